"""Training and measuring a face detector of this project's own (models/DETECTOR_RUNS.md)."""
