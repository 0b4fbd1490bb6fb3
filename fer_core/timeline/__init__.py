"""Results over time: the table of a session, its summary, events and peaks."""
