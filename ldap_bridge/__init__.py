"""Directory bridge: reads people and groups from LDAP or LDIF and keeps linked accounts in step with them."""
