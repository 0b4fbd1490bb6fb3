"""Training and measuring the landmark network (models/landmarks68.md)."""
