"""The command line. click is imported in this package alone."""
