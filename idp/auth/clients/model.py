"""Clients and tokens as values: what an operator may say of a client, and what may be known of its tokens."""

import re
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field
from ipaddress import ip_network
from typing import Any, Final

from idp.auth.clients.rate import Rate
from idp.errors import InvalidValue
from idp.store.contract import Record

DEFAULT_PROFILE: Final = "standard"
MAX_NETWORKS: Final = 100
_MAX_NAME: Final = 100
# No id of a client looks like one (they are UUIDs), so `scim:NAME` tells the people of a bound client from others.
_SOURCE: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")


@dataclass(frozen=True, slots=True)
class ClientSettings:
    """What holds for all tokens of a client.

    `profile` names how its requests are read, `source` whose people are its own, `networks` where it may come from
    (anywhere, if none is named), `rate` how many requests it may make (`600/1m`; "" for any number).
    """

    profile: str = DEFAULT_PROFILE
    source: str = ""
    networks: tuple[str, ...] = ()
    rate: str = ""

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> "ClientSettings":
        """Read them from a stored client or token; one from before there were any has the defaults."""
        return cls(
            document.get("profile", DEFAULT_PROFILE),
            document.get("source", ""),
            tuple(document.get("networks", ())),
            document.get("rate", ""),
        )

    def stored(self) -> dict[str, Any]:
        """Return them as documents and events hold them."""
        return {**asdict(self), "networks": list(self.networks)}


@dataclass(frozen=True, slots=True)
class Client:
    """A system that may provision people, known by its name."""

    id: str
    name: str
    created: str
    settings: ClientSettings = ClientSettings()

    @classmethod
    def of(cls, record: Record) -> "Client":
        """Return the stored client."""
        document = record.document
        return cls(record.id, document["name"], document["created"], ClientSettings.of(document))

    def document(self) -> dict[str, Any]:
        """Return the client as it is stored."""
        return {"id": self.id, "name": self.name, "created": self.created, **self.settings.stored()}


@dataclass(frozen=True, slots=True)
class Issued:
    """To which client a token was issued, and what it may do with it."""

    id: str
    name: str
    scopes: tuple[str, ...]
    expires: str | None = None


@dataclass(frozen=True, slots=True)
class ClientToken:
    """What may be known of a token afterwards. `used` is right to the minute.

    `replaced` tells that another token was made in place of this one, which ends at `expires`.
    """

    id: str = field(repr=False)
    client: str
    scopes: tuple[str, ...]
    created: str
    expires: str | None
    used: str | None
    address: str | None
    replaced: bool = False

    @classmethod
    def of(cls, record: Record) -> "ClientToken":
        """Return the stored token."""
        document = record.document
        return cls(
            id=record.id,
            client=document["name"],
            scopes=tuple(document["scopes"]),
            created=document["created"],
            expires=document.get("expires"),
            used=document.get("used"),
            address=document.get("address"),
            replaced=document.get("replaced", False),
        )


def checked_settings(settings: ClientSettings, profiles: Collection[str]) -> ClientSettings:
    """Return the settings in canonical form. Raises InvalidValue."""
    if settings.profile not in profiles:
        raise InvalidValue("profile", f"{settings.profile!r} is none of {', '.join(profiles)}")
    if settings.source and not _SOURCE.fullmatch(settings.source):
        raise InvalidValue("source", "expected up to 32 of a-z, 0-9, _ and -, beginning with a letter or digit")
    if settings.rate:
        Rate.parse(settings.rate)
    if len(settings.networks) > MAX_NETWORKS:
        raise InvalidValue("networks", f"more than {MAX_NETWORKS}")
    networks = tuple(dict.fromkeys(_network(text) for text in settings.networks))
    return ClientSettings(settings.profile, settings.source, networks, settings.rate)


def checked_name(name: str) -> str:
    """Return the name. Raises InvalidValue for one that logs could not show."""
    if not name or len(name) > _MAX_NAME or name != name.strip() or not name.isprintable():
        raise InvalidValue("name", f"expected up to {_MAX_NAME} printable characters without outer blanks")
    return name


def _network(text: str) -> str:
    try:
        return str(ip_network(text, strict=False))
    except ValueError as error:
        raise InvalidValue("networks", str(error)) from None
