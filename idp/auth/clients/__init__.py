"""Provisioning clients, their settings, and the bearer tokens by which they are known."""

from idp.auth.clients.log import ClientLog
from idp.auth.clients.log import Entry as LogEntry
from idp.auth.clients.model import Client, ClientSettings, ClientToken, Issued
from idp.auth.clients.rate import Rate, Rates
from idp.auth.clients.refusal import RefusedClient
from idp.auth.clients.scopes import SCOPES, scopes_of
from idp.auth.clients.service import Clients
from idp.auth.clients.tokens import PREFIX

__all__ = [
    "PREFIX",
    "SCOPES",
    "Client",
    "ClientLog",
    "ClientSettings",
    "ClientToken",
    "Clients",
    "Issued",
    "LogEntry",
    "Rate",
    "Rates",
    "RefusedClient",
    "scopes_of",
]
