"""What leaves the dashboard: tables, drawings, charts, annotated videos, reports."""
