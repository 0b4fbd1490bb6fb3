"""Writes results as tables, annotated pictures and videos, charts and reports."""
