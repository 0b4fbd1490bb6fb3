"""Weight files: where they are stored, and how they are downloaded and checked."""
