"""For whom, by whom? Tenants, users, roles, scope, sharing, audit trail."""
