"""The networks: the registry, the choice between models, and loading."""
