"""Training and evaluation of this project's own face detector (models/DETECTOR_RUNS.md)."""
