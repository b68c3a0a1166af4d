"""Provisioning clients, their settings, and the bearer tokens by which they are known."""

from idp.auth.clients.model import Client, ClientSettings, ClientToken, Issued
from idp.auth.clients.rate import Rate, Rates
from idp.auth.clients.scopes import SCOPES, scopes_of
from idp.auth.clients.service import Clients
from idp.auth.clients.tokens import PREFIX

__all__ = [
    "PREFIX",
    "SCOPES",
    "Client",
    "ClientSettings",
    "ClientToken",
    "Clients",
    "Issued",
    "Rate",
    "Rates",
    "scopes_of",
]
