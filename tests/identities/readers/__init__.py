"""Tests of the readers of populations."""
