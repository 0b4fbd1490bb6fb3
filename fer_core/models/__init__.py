"""The networks: which there are, which one is used, how they are loaded."""
