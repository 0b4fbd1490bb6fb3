"""Benchmarks of speed and accuracy, compared with peers. Run by hand; results are in README.md.

``python -m benchmarks`` runs all that need no browser, ``python -m benchmarks.NAME`` one.
"""
