"""Is it unchanged? The append-only Merkle log per tenant, checkpoints and proofs."""
