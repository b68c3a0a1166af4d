"""The section [ldap.NAME] of idp.toml, laid over its preset and checked key by key."""

import difflib
import re
import tomllib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec.structs import fields

from idp.errors import ConfigError
from idp.schema import Registry, default_registry
from ldap_bridge.dn import DnError
from ldap_bridge.dn import key as dn_key
from ldap_bridge.feeds import AUTO, FeedName
from ldap_bridge.sections import (
    GroupSettings,
    LimitSettings,
    LoginSettings,
    Most,
    Section,
    SourceSettings,
    UserSettings,
    as_list,
)
from ldap_bridge.servers import Server, server_of

DEFAULT_PRESETS: Final = Path(__file__).parent.parent / "config" / "ldap"
# Root is given here only: whoever has it could not be stopped from here any more.
_GIVEN: Final = ("developer", "admin")
_BUILT_IN: Final = default_registry()
INTERNAL: Final = "internal"
"""What this store is called beside the directories, none of which can be called so."""
NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")


@dataclass(frozen=True, slots=True)
class Source:
    """A directory as configured: exactly one of `server` and `file` is set.

    `interval` is in seconds, and `purge_after` in days; 0 stands for never. `roles` names by DN key the groups that
    give each of them.
    """

    name: str
    server: Server | None
    file: Path | None
    base: str | list[str]
    stable_id: str
    interval: float
    feed: str
    full_every: float
    purge_after: float
    users: UserSettings
    groups: GroupSettings
    roles: Mapping[str, Sequence[str]]
    limits: LimitSettings
    login: LoginSettings
    registry: Registry = field(default=_BUILT_IN, compare=False, repr=False)
    """What attributes people and groups have."""

    @property
    def key(self) -> str:
        """What people of this source carry as their `source`."""
        return f"ldap:{self.name}"

    @property
    def where(self) -> str:
        """The address of the server or file."""
        return ", ".join(server.url for server in self.server.all) if self.server else f"ldif:{self.file}"


def parse(name: str, raw: Mapping[str, Any], presets: Path = DEFAULT_PRESETS, registry: Registry = _BUILT_IN) -> Source:
    """Return the source that a section describes; raises ConfigError with the dotted key that is wrong."""
    if not NAME.fullmatch(name):
        raise ConfigError(f"ldap.{name}", "a source's name is made of small letters, digits, - and _")
    if name == INTERNAL:
        raise ConfigError(f"ldap.{name}", "is what this store itself is called; choose another name")
    preset = raw.get("preset", "openldap")
    merged = _merge(_preset(name, str(preset), presets), raw)
    settings = _convert(name, merged)
    url = settings.url if isinstance(settings.url, str) else ""
    file = url.removeprefix("ldif:") if url.startswith("ldif:") else None
    _check(name, settings, is_file=file is not None)
    return Source(
        name=name,
        server=None if file is not None else server_of(name, settings),
        file=Path(file) if file is not None else None,
        base=settings.base,
        stable_id=settings.stable_id,
        interval=settings.interval * 60,
        feed=settings.feed,
        full_every=settings.full_every,
        purge_after=settings.purge_after,
        users=settings.users,
        groups=settings.groups,
        roles={role: [dn_key(dn) for dn in as_list(given)] for role, given in settings.roles.items()},
        limits=settings.limits,
        login=settings.login,
        registry=registry,
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
        return msgspec.convert(_out_of_text(SourceSettings, merged), SourceSettings, strict=False)
    except msgspec.ValidationError as error:
        raise _in_words(name, str(error)) from error


def _out_of_text(kind: type[Section], raw: Mapping[str, Any]) -> dict[str, Any]:
    """Read lists and tables that came as text, out of the environment: they are JSON there."""
    read = dict(raw)
    for item in fields(kind):
        value = raw.get(item.encode_name)
        if isinstance(value, Mapping) and isinstance(item.type, type) and issubclass(item.type, Section):
            read[item.encode_name] = _out_of_text(item.type, value)
        elif isinstance(value, str) and value.startswith(("[", "{")) and item.type is not str:
            # What is no JSON stays text, and is refused as that.
            with suppress(msgspec.DecodeError):
                read[item.encode_name] = msgspec.json.decode(value)
    return read


def _in_words(name: str, message: str) -> ConfigError:
    """Turn msgspec's message into our error. It names types and fields, never values, which may be secret."""
    reason, _, path = message.partition(" - at `$")
    key = f"ldap.{name}{path.rstrip('`')}".replace("[...]", "")
    if unknown := re.search(r"unknown field `([^`]+)`", reason):
        kinds = (SourceSettings, UserSettings, GroupSettings, LimitSettings, LoginSettings, Most)
        known = {name for kind in kinds for name in kind.__struct_fields__}
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
    if settings.feed not in (AUTO, *FeedName):
        raise ConfigError(f"{prefix}.feed", f"{settings.feed!r} is none of {AUTO}, {', '.join(FeedName)}")
    for kind, part in (("users", settings.users), ("groups", settings.groups)):
        if not part.classes:
            raise ConfigError(f"{prefix}.{kind}.classes", "is missing: the object classes to read")
        if is_file and part.filter:
            raise ConfigError(f"{prefix}.{kind}.filter", "an LDIF file is not filtered; use classes and not_classes")
    if is_file and settings.login.create:
        raise ConfigError(f"{prefix}.login.create", "an LDIF file is not asked at logins; synchronise it")
    if not is_file and not settings.base:
        raise ConfigError(f"{prefix}.base", "is missing: the DN below which to read")
    _check_bases(prefix, settings)
    _check_roles(prefix, settings)
    _check_account(prefix, settings)


def _check_bases(prefix: str, settings: SourceSettings) -> None:
    # Not the bind_dn: Active Directory takes user@domain in its place.
    bases = (("base", settings.base), ("users.base", settings.users.base), ("groups.base", settings.groups.base))
    for key, given in bases:
        _check_dns(f"{prefix}.{key}", given)


def _check_dns(key: str, given: str | list[str]) -> None:
    for dn in as_list(given):
        try:
            dn_key(dn)
        except DnError as error:
            raise ConfigError(key, f"is no DN: {error}") from error


def _check_roles(prefix: str, settings: SourceSettings) -> None:
    for role, given in settings.roles.items():
        if role not in _GIVEN:
            raise ConfigError(f"{prefix}.roles.{role}", f"a directory gives {' or '.join(_GIVEN)}, and no other role")
        if not settings.groups.enabled:
            raise ConfigError(f"{prefix}.roles.{role}", "needs groups, which are not read (groups.enabled)")
        _check_dns(f"{prefix}.roles.{role}", given)


def _check_account(prefix: str, settings: SourceSettings) -> None:
    if settings.bind == "external" and (settings.bind_dn or settings.bind_password or settings.bind_password_file):
        raise ConfigError(
            f"{prefix}.bind", "external takes who we are from the certificate or the local socket, not from bind_dn"
        )
    if settings.key_file and not settings.cert_file:
        raise ConfigError(f"{prefix}.cert_file", "is missing: the certificate that key_file belongs to")
    if bool(settings.bind_dn) != bool(settings.bind_password or settings.bind_password_file):
        missing = "bind_password" if settings.bind_dn else "bind_dn"
        raise ConfigError(f"{prefix}.{missing}", "bind_dn and a password belong together")
    if settings.bind_password and settings.bind_password_file:
        raise ConfigError(f"{prefix}.bind_password_file", "set this or bind_password, not both")
