"""Composes the printed report's sections; every number printed is also in a table of the pack."""
