"""Plotly figures of shares, sessions and comparisons; they do not depend on pages."""
