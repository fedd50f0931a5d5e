"""Pages of the logs room."""
