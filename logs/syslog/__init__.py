"""The syslog door: a process of its own that takes RFC 5425 (TLS) and plain TCP, and records as every door does."""
