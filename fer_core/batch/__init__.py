"""Folders of pictures and videos into one table: on all cores, resumable, or on a Ray cluster."""
