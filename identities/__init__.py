"""Who holds what? Identities, systems, accounts, entitlements, grants, sealed snapshots."""
