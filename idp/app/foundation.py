"""What everything else is wired over: clock, store, keys, hashing, the directory's services, mail."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from secrets import randbits
from time import time_ns

from idp.auth import Context, HashingPool, KeyFile, PasswordRules, Profile, Sealer, UserCredentials
from idp.clock import Clock
from idp.config import Config
from idp.directory import Groups, KeyedLocks, Ownership, PeopleRules, Rehearsal, Resources, Users
from idp.mail import FileSender, Mailer, Outbox, Sender, SmtpSender
from idp.schema import Registry
from idp.store import Settings, Store
from idp.store.collections import collections
from idp.store.rehearsal import RehearsalStore


@dataclass(frozen=True, slots=True)
class Foundation:
    """The parts that several services share."""

    config: Config
    clock: Clock
    registry: Registry
    store: Store
    pool: HashingPool
    sealer: Sealer
    key_file: KeyFile
    rules: PasswordRules
    credentials: UserCredentials
    users: Users
    groups: Groups
    resources: Mapping[str, Resources]
    rehearse: Callable[[], Rehearsal]
    sender: Sender
    outbox: Outbox
    context: Context


@dataclass(frozen=True, slots=True)
class Keys:
    """What secrets are encrypted under, and where it came from."""

    file: KeyFile
    sealer: Sealer


def load_keys(config: Config) -> Keys:
    """Return the keys of the settings, or those of the file, which is made if missing. Raises ConfigError."""
    file = KeyFile(config.secrets.key, Path(config.key_file), os.urandom)
    return Keys(file, Sealer(file.load(), os.urandom))


def foundation(
    config: Config,
    clock: Clock,
    registry: Registry,
    store: Store,
    pool: HashingPool,
    keys: Keys,
    ownership: Ownership,
) -> Foundation:
    """Wire the parts."""
    sealer = keys.sealer
    rules = PasswordRules(config.password.min_length)
    credentials = UserCredentials(store, clock, pool, rules)
    kinds, locks, people = registry.resource_types, KeyedLocks(), people_rules(config)
    users = Users(store, kinds["User"], clock, new_id, credentials, rules=people, locks=locks, ownership=ownership)
    sender = mail_sender(config)
    mailer = Mailer(clock, new_id, sealer, config.login.issuer, config.public_url)
    return Foundation(
        config=config,
        clock=clock,
        registry=registry,
        store=store,
        pool=pool,
        sealer=sealer,
        key_file=keys.file,
        rules=rules,
        credentials=credentials,
        users=users,
        groups=Groups(store, kinds["Group"], clock, new_id, locks=locks),
        resources=resources_over(store, clock, registry),
        rehearse=rehearsals(config, clock, registry, store, credentials, ownership),
        sender=sender,
        outbox=Outbox(store, clock, sender, sealer),
        context=Context(store, clock, users, mailer),
    )


def rehearsals(
    config: Config, clock: Clock, registry: Registry, store: Store, real: UserCredentials, ownership: Ownership
) -> Callable[[], Rehearsal]:
    """Return what makes the directory's services anew over a store that makes no commit."""
    kinds, people = registry.resource_types, people_rules(config)

    def rehearse() -> Rehearsal:
        dry = RehearsalStore(store, collections(registry))
        users = Users(dry, kinds["User"], clock, new_id, real.over(dry), rules=people, ownership=ownership)
        return Rehearsal(
            dry, registry, users, Groups(dry, kinds["Group"], clock, new_id), resources_over(dry, clock, registry)
        )

    return rehearse


def people_rules(config: Config) -> PeopleRules:
    """Return what the settings say about people."""
    directory = config.directory
    return PeopleRules(directory.strict_names, refuse_unknown_managers=directory.unknown_managers == "refuse")


def resources_over(store: Store, clock: Clock, registry: Registry) -> dict[str, Resources]:
    """Return a service for each resource type that was declared in the settings."""
    own = {name: kind for name, kind in registry.resource_types.items() if name not in ("User", "Group")}
    return {name: Resources(store, kind, clock, new_id) for name, kind in own.items()}


def new_id() -> str:
    """Return an id for something new: a UUID of version 7 (RFC 9562 section 5.7), so that ids grow with time.

    What is made together then stands together in every index over ids, which random ids would scatter over it.
    """
    milliseconds, rest = divmod(time_ns(), 1_000_000)
    # Of the random bits the first twelve tell the time within the millisecond (section 6.2, method 3).
    fraction = (rest << 12) // 1_000_000
    bits = milliseconds << 80 | 0x7 << 76 | fraction << 64 | 0b10 << 62 | randbits(62)
    text = f"{bits:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


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
