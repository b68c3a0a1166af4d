"""Addresses and networks as settings hold them."""

from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network, ip_network

from idp.errors import ConfigError

Networks = Sequence[IPv4Network | IPv6Network]


def parse_networks(key: str, texts: Sequence[str]) -> Networks:
    """Read a setting that holds addresses and networks. Raises ConfigError."""
    try:
        return [ip_network(text, strict=False) for text in texts]
    except ValueError as error:
        raise ConfigError(key, str(error)) from error
