"""Tells which client a bearer token belongs to: one read of the store, however the client is limited."""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from ipaddress import ip_address, ip_network
from typing import Any, Final

from idp.access import Actor, ActorKind
from idp.auth.clients.model import ClientSettings
from idp.auth.clients.rate import Rate, Rates
from idp.auth.clients.refusal import AddressRefused, TooManyRequests
from idp.auth.clients.tokens import CLIENT_TOKENS, LENGTH, PREFIX
from idp.auth.secret_text import digest
from idp.clock import Clock, from_text, to_text
from idp.errors import NotAuthenticated, RemoteError, VersionMismatch
from idp.memory import Memory, Moment
from idp.store.contract import Record, Replace, Store

_NOTED_EVERY: Final = timedelta(minutes=1)
# Tokens are made and revoked; forgetting all of them costs each at most one write more.
_NOTED_AT_MOST: Final = 10_000
_KNOWN_AT_MOST: Final = 10_000


@dataclass(frozen=True, slots=True)
class _Known:
    """A token as last read, whom it speaks for, and how its client is limited."""

    record: Record
    actor: Actor
    expires: datetime | None
    used: datetime | None
    rate: Rate | None

    def is_over(self, now: datetime) -> bool:
        return self.expires is not None and self.expires <= now


class Gate:
    """Lets clients in; what holds for a client is written in each of its tokens, so that one read is enough."""

    def __init__(self, store: Store, clock: Clock, rates: Rates) -> None:
        self._store = store
        self._clock = clock
        self._rates = rates
        self._noted: dict[str, datetime] = {}
        self._known = Memory[_Known](partial(store.stamp, (CLIENT_TOKENS,)), _KNOWN_AT_MOST)

    async def authenticate(self, bearer: str, address: str, moment: Moment | None = None) -> Actor:
        """Return the client that the token belonged to at the moment or later, as an actor.

        Raises NotAuthenticated, AddressRefused, RateLimited.
        """
        if len(bearer) != LENGTH or not bearer.startswith(PREFIX):
            raise NotAuthenticated("the bearer token is not valid")
        key = (digest(bearer), address)
        stamp, known = await self._known.look(key, moment)
        now = self._clock.now()
        if known is None or known.is_over(now):
            known = await self._read(*key)
            self._known.keep(key, known, stamp)
        if known.rate is not None and (wait := self._rates.take(known.actor.id, known.rate, now.timestamp())):
            raise TooManyRequests(wait, known.actor)
        if known.used is None or now - known.used >= _NOTED_EVERY:
            await self._note_use(known, now)
        return known.actor

    async def _read(self, token_id: str, address: str) -> _Known:
        record = await self._store.get(CLIENT_TOKENS, token_id)
        if record is None:
            raise NotAuthenticated("the bearer token is not valid")
        token = record.document
        settings = ClientSettings.of(token)
        actor = _actor(token, settings, address)
        if settings.networks and not _is_within(address, settings.networks):
            raise AddressRefused(actor)
        expires, used = token.get("expires"), token.get("used")
        return _Known(
            record,
            actor,
            from_text(expires) if expires else None,
            from_text(used) if used else None,
            Rate.parse(settings.rate) if settings.rate else None,
        )

    async def _note_use(self, known: _Known, now: datetime) -> None:
        """Write down that the token was used, once a minute however often it is."""
        record = known.record
        last = self._noted.get(record.id)
        if last is not None and now - last < _NOTED_EVERY:
            return
        # Set before waiting: of the requests that come meanwhile none writes too.
        if len(self._noted) >= _NOTED_AT_MOST:
            self._noted.clear()
        self._noted[record.id] = now
        noted = {**record.document, "used": to_text(now), "address": known.actor.address}
        # Bookkeeping: that it cannot be written now is no reason to refuse what the token is used for.
        with suppress(VersionMismatch, RemoteError):
            await self._store.commit([Replace(CLIENT_TOKENS, noted, record.version)])


def _actor(token: dict[str, Any], settings: ClientSettings, address: str) -> Actor:
    return Actor(
        ActorKind.CLIENT,
        token["client"],
        token["name"],
        scopes=frozenset(token["scopes"]),
        address=address,
        profile=settings.profile,
        source=settings.source,
    )


def _is_within(address: str, networks: Iterable[str]) -> bool:
    try:
        found = ip_address(address)
    except ValueError:
        return False
    # A dual-stack listener sees IPv4 clients under ::ffff:0:0/96.
    found = getattr(found, "ipv4_mapped", None) or found
    return any(found in ip_network(network) for network in networks)
