"""The doors through which collectors deliver over HTTP: one file for each protocol, and what they share.

Every door turns a source's token into the source and its tenant, reads the body to its end, hands the records inside to
`record_events`, and answers success only after the commit. What cannot be stored now is answered with 503 and
Retry-After (the Elastic door: 429 for each item), over which the protocol's senders send again.
"""
