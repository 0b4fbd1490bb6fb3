"""Video files: their frames, the analysis of them, and the files that come out of it."""
