"""Every service, wired from the settings and closed again: what the server and each command work with."""

from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from idp.app.authentication import Authentication, authentication
from idp.app.declared import registry_of
from idp.app.directory_logins import directory_logins
from idp.app.foundation import Foundation, Keys, foundation, hashing_pool, load_keys, new_id, store_settings
from idp.audit import AuditLog
from idp.auth import Rates
from idp.clock import SystemClock
from idp.config import Config
from idp.directory import Groups, Ownership, Users
from idp.errors import ConfigError
from idp.processes import processes
from idp.store import open_store
from idp.store.collections import collections
from ldap_bridge.conversion import Conversion
from ldap_bridge.letters import AdministratorLetters
from ldap_bridge.mapping import Mapper
from ldap_bridge.service import LdapService
from ldap_bridge.settings import Source, parse


@dataclass(frozen=True, slots=True)
class Services:
    """Everything that handlers and commands may call."""

    base: Foundation
    audit: AuditLog
    auth: Authentication
    ldap: LdapService
    conversion: Conversion

    @property
    def config(self) -> Config:
        """The settings it was all wired from."""
        return self.base.config

    @property
    def users(self) -> Users:
        """The service for users."""
        return self.base.users

    @property
    def groups(self) -> Groups:
        """The service for groups."""
        return self.base.groups


@asynccontextmanager
async def open_services(
    config: Config, keys: Keys | None = None, rates: Rates | None = None
) -> AsyncIterator[Services]:
    """Build everything over the configured store; closed again at the end. Raises ConfigError.

    Processes that belong together are given the same keys, read by `read_keys` once, and the same rates, by which they
    count the requests of SCIM clients together.
    """
    clock, registry = SystemClock(), registry_of(config)
    keys = keys or read_keys(config)
    async with AsyncExitStack() as at_end:
        store = await open_store(config.store_url, collections(registry), clock, store_settings(config))
        at_end.push_async_callback(store.close)
        pool = hashing_pool(config)
        at_end.callback(pool.close)
        sources = {name: parse(name, raw, registry=registry) for name, raw in config.ldap.items()}
        base = foundation(config, clock, registry, store, pool, keys, ownership(sources.values()))
        kept = timedelta(days=config.directory.history_days)
        letters = AdministratorLetters(store, base.context.mailer)
        ldap = LdapService(
            store, base.users, base.groups, clock, new_id, sources, kept=kept, letters=letters, processes=processes()
        )
        logins = directory_logins(base, ldap, at_end)
        auth = authentication(base, logins, rates)
        yield Services(
            base=base,
            audit=AuditLog(store),
            auth=auth,
            ldap=ldap,
            conversion=Conversion(store, base.users, auth.passwords, ldap, clock),
        )


def ownership(sources: Iterable[Source]) -> Ownership:
    """Return who owns which attribute: of people from a directory, what is mapped. Raises ConfigError."""
    return Ownership({source.key: Mapper(source).owned for source in sources})


def read_keys(config: Config) -> Keys:
    """Return the keys; a machine's first start makes them, and the data directory. Raises ConfigError."""
    try:
        Path(config.server.data).mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise ConfigError("server.data", f"{config.server.data} cannot be made: {error.strerror}") from error
    return load_keys(config)
