"""Logs in and signs by a real OpenID Connect provider, in a process of its own on this machine."""
