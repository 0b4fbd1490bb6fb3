"""The command line. Only this package, and the progress bars of training, import click."""
