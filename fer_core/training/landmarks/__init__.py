"""Training and evaluation of the landmark network (models/landmarks68.md)."""
