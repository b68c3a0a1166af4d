"""The LDAP client: sockets, requests and answers are ours, and ldap3 reads filters. Everything here blocks."""

import warnings

with warnings.catch_warnings():
    # ldap3 2.9.1 reads names that pyasn1 has deprecated; where warnings are errors, importing it would fail.
    warnings.simplefilter("ignore", DeprecationWarning)
    from ldap_bridge.client.channel import Channel
    from ldap_bridge.client.directory import LdapDirectory, ServerFacts
    from ldap_bridge.client.follow import ServerFollow
    from ldap_bridge.client.kept import KeptChannels
    from ldap_bridge.client.search import PagedSearch, check_filter, escape_filter_value, filter_for, read_selection
    from ldap_bridge.client.target import narrowed, present_dn

__all__ = [
    "Channel",
    "KeptChannels",
    "LdapDirectory",
    "PagedSearch",
    "ServerFacts",
    "ServerFollow",
    "check_filter",
    "escape_filter_value",
    "filter_for",
    "narrowed",
    "present_dn",
    "read_selection",
]
