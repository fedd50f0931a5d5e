"""The API's frame: problems, schema and reference page. The views themselves stand in each room's ``api.py``."""
