"""Commands of the identities room."""
