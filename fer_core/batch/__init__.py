"""Analyses a folder of pictures and videos into one table: on all cores or a Ray cluster,
resumable."""
