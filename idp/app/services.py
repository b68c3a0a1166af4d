"""Every service, wired from the settings: the one place that knows which class stands behind which contract."""

import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from idp.audit import AuditLog
from idp.auth import Clients
from idp.auth.credentials import UserCredentials
from idp.auth.hashing import HashingPool, Profile
from idp.auth.password_rules import PasswordRules
from idp.auth.sealing import Sealer, load_keys
from idp.clock import Clock, SystemClock
from idp.config import Config
from idp.directory import Groups, KeyedLocks, Users
from idp.errors import ConfigError
from idp.mail import FileSender, Outbox, Sender, SmtpSender
from idp.schema import Registry, default_registry
from idp.store import Settings, Store, open_store
from idp.store.collections import collections


@dataclass(frozen=True, slots=True)
class Services:
    """What pages, endpoints and commands work with."""

    config: Config
    clock: Clock
    registry: Registry
    store: Store
    users: Users
    groups: Groups
    audit: AuditLog
    clients: Clients
    sender: Sender
    outbox: Outbox


@asynccontextmanager
async def open_services(config: Config) -> AsyncIterator[Services]:
    """Build everything over the configured store; closed again at the end. Raises ConfigError."""
    clock, registry = SystemClock(), default_registry()
    _make_directory(config)
    async with AsyncExitStack() as at_end:
        store = await open_store(config.store_url, collections(registry), clock, store_settings(config))
        at_end.push_async_callback(store.close)
        pool = hashing_pool(config)
        at_end.callback(pool.close)
        yield _wire(config, clock, registry, store, pool)


def _wire(config: Config, clock: Clock, registry: Registry, store: Store, pool: HashingPool) -> Services:
    sealer = Sealer(load_keys(config.secrets.key, Path(config.key_file), os.urandom), os.urandom)
    rules = PasswordRules(config.password.min_length)
    credentials = UserCredentials(store, clock, pool, rules)
    kinds, locks = registry.resource_types, KeyedLocks()
    users = Users(
        store, kinds["User"], clock, new_id, credentials, strict_names=config.directory.strict_names, locks=locks
    )
    sender = mail_sender(config)
    return Services(
        config=config,
        clock=clock,
        registry=registry,
        store=store,
        users=users,
        groups=Groups(store, kinds["Group"], clock, new_id, locks=locks),
        audit=AuditLog(store),
        clients=Clients(store, clock, new_id, os.urandom),
        sender=sender,
        outbox=Outbox(store, clock, sender, sealer),
    )


def _make_directory(config: Config) -> None:
    try:
        Path(config.server.data).mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise ConfigError("server.data", f"{config.server.data} cannot be made: {error.strerror}") from error


def new_id() -> str:
    """Return an id for something new."""
    return str(uuid4())


def store_settings(config: Config) -> Settings:
    """Return the limits that the store keeps."""
    store = config.store
    return Settings(timeout=store.timeout, max_waiting=store.max_waiting, max_scan=store.max_scan)


def hashing_pool(config: Config) -> HashingPool:
    """Return the threads that hash passwords."""
    password = config.password
    profile = Profile(password.hash_memory, password.hash_time)
    return HashingPool(password.hash_workers or os.cpu_count() or 1, password.hash_max_waiting, profile)


def mail_sender(config: Config) -> Sender:
    """Return where mail goes: a server, or files when none is set."""
    if config.mail.smtp:
        return SmtpSender(config.mail.smtp, config.mail.sender)
    return FileSender(Path(config.outbox_dir), config.mail.sender)
