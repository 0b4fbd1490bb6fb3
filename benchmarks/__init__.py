"""How fast and how good the dashboard is beside its peers. Run by hand; figures in README.md.

``python -m benchmarks`` runs all that need no browser, ``python -m benchmarks.NAME`` one.
"""
