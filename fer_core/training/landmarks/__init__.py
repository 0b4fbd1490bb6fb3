"""Training and evaluation of the face network (models/face.md)."""
