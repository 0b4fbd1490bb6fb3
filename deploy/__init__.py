"""What a host does with this repository, done on this computer: ``make slug`` and ``make dyno``."""
