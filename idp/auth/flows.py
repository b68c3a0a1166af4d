"""Logins under way, in the store; each change goes by the version that was read."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import timedelta
from typing import Any, Final

from idp.auth.flow import FlowGone, Step, move
from idp.auth.secret_text import Random, digest, new_secret
from idp.clock import Clock, to_text
from idp.store.contract import Delete, Insert, Record, Replace, Store

FLOWS: Final = "flows"


@dataclass(frozen=True, slots=True)
class Flow:
    """A login as stored. `proven` holds the methods passed and when; `enrolment` a sealed secret to be confirmed.

    `generation` tells which of the person's passwords was right: the login ends when another one is set. `notice` is
    what the person is told on the way.
    """

    id: str
    step: Step
    next: str
    expires: str
    user: str = ""
    factor: str = ""
    address: str = ""
    must_change: bool = False
    generation: int = 0
    notice: str = ""
    proven: Mapping[str, str] = field(default_factory=dict)
    enrolment: str = field(default="", repr=False)
    version: int = 1

    @classmethod
    def of(cls, record: Record) -> "Flow":
        """Return the stored record as a flow."""
        stored = record.document
        return cls(**{**stored, "step": Step(stored["step"]), "version": record.version})

    def moved(self, to: Step, **changes: Any) -> "Flow":
        """Return the flow one move on. Raises IllegalMove."""
        return replace(self, step=move(self.step, to), **changes)

    def next_version(self) -> "Flow":
        """Return the flow as it is once `put` was committed."""
        return replace(self, version=self.version + 1)

    def put(self) -> Replace:
        """Return the write that puts it in place of what was read."""
        return Replace(FLOWS, self._document(), self.version)

    def taken(self) -> Delete:
        """Return the write that ends it, once."""
        return Delete(FLOWS, self.id, self.version)

    def _document(self) -> dict[str, Any]:
        document = {item.name: getattr(self, item.name) for item in fields(self) if item.name != "version"}
        return document | {"step": self.step.value, "proven": dict(self.proven)}

    def insert(self) -> Insert:
        """Return the write that stores it for the first time."""
        return Insert(FLOWS, self._document())


class Flows:
    """Starts logins and finds them by the secret in the cookie."""

    def __init__(self, store: Store, clock: Clock, random: Random, lifetime: timedelta = timedelta(minutes=15)) -> None:
        self._store = store
        self._clock = clock
        self._random = random
        self._lifetime = lifetime

    async def start(self, next: str, address: str) -> tuple[Flow, str]:
        """Store a new login; returns it and its secret."""
        secret = new_secret(self._random)
        expires = to_text(self._clock.now() + self._lifetime)
        flow = Flow(digest(secret), Step.PASSWORD, next, expires, address=address)
        await self._store.commit([flow.insert()])
        return flow, secret

    async def get(self, secret: str) -> Flow | None:
        """Return the login, None when there is none (any more)."""
        record = await self._store.get(FLOWS, digest(secret))
        return Flow.of(record) if record else None

    async def demand(self, secret: str) -> Flow:
        """Return the login. Raises FlowGone."""
        if (flow := await self.get(secret)) is None:
            raise FlowGone
        return flow
