"""Can we prove it? Controls, computed results, evidence packs, verification."""
