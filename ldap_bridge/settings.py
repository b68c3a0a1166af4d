"""The section [ldap.NAME] of idp.toml, laid over its preset and checked key by key."""

import difflib
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Final
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta, Struct

from idp.errors import ConfigError
from ldap_bridge.dn import DnError
from ldap_bridge.dn import key as dn_key

DEFAULT_PRESETS: Final = Path(__file__).parent.parent / "config" / "ldap"
NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")

Seconds = Annotated[float, Meta(gt=0)]
Percent = Annotated[float, Meta(ge=0, le=100)]


class Section(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A part of the configuration file. Its text names no values: a password may be among them."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}(…)"


class RuleSettings(Section, frozen=True):
    """How one SCIM attribute gets its value: from the first attribute present (`a|b`), or from a template.

    A `shared` attribute gets its first value from the directory, and is everybody's to change from then on.
    """

    source: str = msgspec.field(default="", name="from")
    transform: str = ""
    template: str = ""
    separator: str = ", "
    shared: bool = False


class UserSettings(Section, frozen=True):
    """Which entries are people, and what of them becomes what."""

    base: str = ""
    classes: list[str] = []
    not_classes: list[str] = []
    filter: str = ""
    attributes: dict[str, str | RuleSettings] = {}


class GroupSettings(UserSettings, frozen=True):
    """Which entries are groups. Members stand in `members` of the group, or in `member_of` of each person."""

    members: list[str] = []
    member_of: str = ""
    enabled: bool = True


class LimitSettings(Section, frozen=True):
    """A run that would disable or remove more than both of these is held back until somebody says it is right."""

    count: Annotated[int, Meta(ge=0)] = 5
    percent: Percent = 10.0


class SourceSettings(Section, frozen=True):
    """One directory. `url` is ldap://host, ldaps://host or ldif:file."""

    url: str
    preset: str = "openldap"
    base: str = ""
    bind_dn: str = ""
    bind_password: str = ""
    bind_password_file: str = ""
    starttls: bool | None = None
    verify: bool = True
    ca_file: str = ""
    connect_timeout: Seconds = 5.0
    timeout: Seconds = 30.0
    page_size: Annotated[int, Meta(ge=1, le=10_000)] = 1000
    max_entries: Annotated[int, Meta(ge=1)] = 5_000_000
    binds: Annotated[int, Meta(ge=1, le=64)] = 8
    interval: Annotated[float, Meta(ge=0)] = 0.0
    stable_id: str = ""
    users: UserSettings = UserSettings()
    groups: GroupSettings = GroupSettings()
    limits: LimitSettings = LimitSettings()


@dataclass(frozen=True, slots=True)
class Server:
    """How to reach a directory server."""

    host: str
    port: int
    ldaps: bool
    starttls: bool
    verify: bool
    ca_file: str
    bind_dn: str
    bind_password: str = field(repr=False)
    connect_timeout: float = 5.0
    timeout: float = 30.0
    page_size: int = 1000
    max_entries: int = 5_000_000
    binds: int = 8

    @property
    def url(self) -> str:
        """The address as people write it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'ldaps' if self.ldaps else 'ldap'}://{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Source:
    """A directory as configured: exactly one of `server` and `file` is set. `interval` is in seconds, 0 for never."""

    name: str
    server: Server | None
    file: Path | None
    base: str
    stable_id: str
    interval: float
    users: UserSettings
    groups: GroupSettings
    limits: LimitSettings

    @property
    def key(self) -> str:
        """What people of this source carry as their `source`."""
        return f"ldap:{self.name}"

    @property
    def where(self) -> str:
        """The address of the server or file."""
        return self.server.url if self.server else f"ldif:{self.file}"


def parse(name: str, raw: Mapping[str, Any], presets: Path = DEFAULT_PRESETS) -> Source:
    """Return the source that a section describes; raises ConfigError with the dotted key that is wrong."""
    if not NAME.fullmatch(name):
        raise ConfigError(f"ldap.{name}", "a source's name is made of small letters, digits, - and _")
    preset = raw.get("preset", "openldap")
    merged = _merge(_preset(name, str(preset), presets), raw)
    settings = _convert(name, merged)
    file = settings.url.removeprefix("ldif:") if settings.url.startswith("ldif:") else None
    _check(name, settings, is_file=file is not None)
    return Source(
        name=name,
        server=None if file is not None else _server(name, settings),
        file=Path(file) if file is not None else None,
        base=settings.base,
        stable_id=settings.stable_id,
        interval=settings.interval * 60,
        users=settings.users,
        groups=settings.groups,
        limits=settings.limits,
    )


def _preset(name: str, preset: str, presets: Path) -> dict[str, Any]:
    file = presets / f"{preset}.toml"
    known = sorted(path.stem for path in presets.glob("*.toml"))
    if preset not in known:
        raise ConfigError(f"ldap.{name}.preset", f"{preset!r} is none of {', '.join(known) or 'the presets'}")
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(str(file), f"cannot be read: {error}") from error


def _merge(below: Mapping[str, Any], above: Mapping[str, Any], depth: int = 2) -> dict[str, Any]:
    """Lay one table over another, down to the single rules (users.attributes.NAME), which are taken whole."""
    merged = dict(below)
    for key, value in above.items():
        inner = merged.get(key)
        if depth > 0 and isinstance(inner, Mapping) and isinstance(value, Mapping):
            merged[key] = _merge(inner, value, depth - 1)
        else:
            merged[key] = value
    return merged


def _convert(name: str, merged: Mapping[str, Any]) -> SourceSettings:
    try:
        # Values from the environment come as text, hence not strict.
        return msgspec.convert(merged, SourceSettings, strict=False)
    except msgspec.ValidationError as error:
        raise _in_words(name, str(error)) from error


def _in_words(name: str, message: str) -> ConfigError:
    """Turn msgspec's message into our error. It names types and fields, never values, which may be secret."""
    reason, _, path = message.partition(" - at `$")
    key = f"ldap.{name}{path.rstrip('`')}".replace("[...]", "")
    if unknown := re.search(r"unknown field `([^`]+)`", reason):
        known = {name for kind in (SourceSettings, GroupSettings, LimitSettings) for name in kind.__struct_fields__}
        near = difflib.get_close_matches(unknown[1], known, 1)
        return ConfigError(f"{key}.{unknown[1]}", f"is not a setting{f'; did you mean {near[0]}?' if near else ''}")
    if missing := re.search(r"missing required field `([^`]+)`", reason):
        return ConfigError(f"{key}.{missing[1]}", "is missing")
    return ConfigError(key, (reason[0].lower() + reason[1:]).replace("`", ""))


def _check(name: str, settings: SourceSettings, *, is_file: bool) -> None:
    """Refuse what fits its type and still cannot work."""
    prefix = f"ldap.{name}"
    if not settings.stable_id:
        raise ConfigError(f"{prefix}.stable_id", "is missing: the attribute that stays when an entry is renamed")
    for kind, part in (("users", settings.users), ("groups", settings.groups)):
        if not part.classes:
            raise ConfigError(f"{prefix}.{kind}.classes", "is missing: the object classes to read")
        if is_file and part.filter:
            raise ConfigError(f"{prefix}.{kind}.filter", "an LDIF file is not filtered; use classes and not_classes")
    if not is_file and not settings.base:
        raise ConfigError(f"{prefix}.base", "is missing: the DN below which to read")
    # Not the bind_dn: Active Directory takes user@domain in its place.
    for key, dn in (
        ("base", settings.base),
        ("users.base", settings.users.base),
        ("groups.base", settings.groups.base),
    ):
        try:
            dn_key(dn)
        except DnError as error:
            raise ConfigError(f"{prefix}.{key}", f"is no DN: {error}") from error
    if bool(settings.bind_dn) != bool(settings.bind_password or settings.bind_password_file):
        missing = "bind_password" if settings.bind_dn else "bind_dn"
        raise ConfigError(f"{prefix}.{missing}", "bind_dn and a password belong together")
    if settings.bind_password and settings.bind_password_file:
        raise ConfigError(f"{prefix}.bind_password_file", "set this or bind_password, not both")


def _server(name: str, settings: SourceSettings) -> Server:
    host, port, ldaps = _address(name, settings.url)
    return Server(
        host=host,
        port=port,
        ldaps=ldaps,
        starttls=_starttls(name, settings, host, ldaps=ldaps),
        verify=settings.verify,
        ca_file=_ca_file(name, settings.ca_file),
        bind_dn=settings.bind_dn,
        bind_password=_password(name, settings),
        connect_timeout=settings.connect_timeout,
        timeout=settings.timeout,
        page_size=settings.page_size,
        max_entries=settings.max_entries,
        binds=settings.binds,
    )


def _address(name: str, url: str) -> tuple[str, int, bool]:
    key = f"ldap.{name}.url"
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise ConfigError(key, f"{url!r} is no address: {error}") from error
    if parts.scheme not in ("ldap", "ldaps") or not host or parts.path.strip("/") or parts.query:
        raise ConfigError(key, f"{url!r} must be ldap://host:port, ldaps://host:port or ldif:file")
    ldaps = parts.scheme == "ldaps"
    return host, port or (636 if ldaps else 389), ldaps


def _starttls(name: str, settings: SourceSettings, host: str, *, ldaps: bool) -> bool:
    """Passwords cross the network encrypted unless somebody says otherwise; the loopback interface is no network."""
    if ldaps and settings.starttls:
        raise ConfigError(f"ldap.{name}.starttls", "ldaps:// is encrypted from the start; use one or the other")
    loopback = host in ("localhost", "::1") or host.startswith("127.")
    return not ldaps and not loopback if settings.starttls is None else settings.starttls


def _ca_file(name: str, ca_file: str) -> str:
    if ca_file and not Path(ca_file).is_file():
        raise ConfigError(f"ldap.{name}.ca_file", f"{ca_file} does not exist")
    return ca_file


def _password(name: str, settings: SourceSettings) -> str:
    if not settings.bind_password_file:
        return settings.bind_password
    try:
        return Path(settings.bind_password_file).read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"ldap.{name}.bind_password_file", f"cannot be read: {error}") from error
