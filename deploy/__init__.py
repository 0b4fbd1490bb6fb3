"""Builds and runs this repository locally as a host does: ``make slug`` and ``make dyno``."""
