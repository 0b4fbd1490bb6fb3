"""Does locally what a host does with this repository: ``make slug`` and ``make dyno``."""
