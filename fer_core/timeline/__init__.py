"""A session as numbers: its table, summary, events and peaks."""
