"""Plotly figures of shares, courses and comparisons; they know nothing of pages."""
