"""Reads and decodes picture and video files; writes files completely or not at all."""
