"""Readers of vendor-native access logs."""
