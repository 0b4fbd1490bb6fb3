"""Outputs: tables, drawings, charts, annotated videos, reports."""
