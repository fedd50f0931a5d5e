"""Takes people and groups from a tenant's directory by SCIM 2.0 (RFC 7643, RFC 7644; docs/provisioning.md).

The views only translate; what SCIM says is mapped by pure modules (`resources`, `habits`, `mapping`), and each change
is a deed in `actions`.
"""
