"""How logins through directories are wired: who checks passwords, who is brought in, and what limits there are."""

from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta

from idp.app.foundation import Foundation
from idp.auth import Newcomers, PasswordVerifier
from ldap_bridge.arrivals import Arrivals
from ldap_bridge.bind import open_verifier
from ldap_bridge.cached_passwords import CachedPasswords
from ldap_bridge.service import LdapService


@dataclass(frozen=True, slots=True)
class DirectoryLogins:
    """By source, who verifies its people's passwords; `limits` are kept for every name, whoever's it is.

    If they were kept for directory people only, they would tell who is one.
    """

    verifiers: Mapping[str, PasswordVerifier]
    limits: Sequence[str]
    newcomers: Sequence[Newcomers]


def directory_logins(base: Foundation, service: LdapService, at_end: AsyncExitStack) -> DirectoryLogins:
    """Wire the logins of all sources; their connections are closed at the end."""
    verifiers: dict[str, PasswordVerifier] = {}
    limits: dict[str, None] = {}
    newcomers: list[Newcomers] = []
    for source in service.sources.values():
        bind = open_verifier(source, base.store)
        at_end.callback(bind.close)
        verifiers[source.key] = bind
        if source.login.outage == "cached":
            lifetime = timedelta(hours=source.login.cached_hours)
            verifiers[source.key] = CachedPasswords(bind, base.store, base.clock, base.pool, base.sealer, lifetime)
        if source.login.create:
            newcomers.append(Arrivals(source, service, base.users, bind, base.clock))
        # A file locks nobody out.
        limits |= dict.fromkeys(source.login.limits if source.server else ())
    return DirectoryLogins(verifiers, tuple(limits), newcomers)
