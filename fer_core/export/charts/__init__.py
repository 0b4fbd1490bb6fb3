"""Plotly figures of shares, courses and comparisons, independent of pages."""
