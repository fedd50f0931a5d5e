"""Tests of the parsers: no database, only bytes in and outcomes out."""
