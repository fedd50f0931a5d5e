"""Erasure of events under GDPR Art. 17: what stands against it, a deed of two people, a list that outlives restores."""
