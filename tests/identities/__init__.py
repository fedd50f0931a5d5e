"""Tests of the identities room."""
