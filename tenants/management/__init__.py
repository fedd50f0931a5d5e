"""Commands of the tenants room."""
