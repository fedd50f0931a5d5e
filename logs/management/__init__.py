"""Commands of the logs room."""
