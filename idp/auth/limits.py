"""Limits on guessing, kept in the store: one counter per kind of secret and account, one per kind and source."""

from asyncio import CancelledError
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from ipaddress import ip_address, ip_network
from typing import Any, Final, TypeVar

from idp.access import ANONYMOUS
from idp.audit import Tag, event
from idp.auth.lockout import History, Lockout, failed, is_blocked, kept_until, taken_back, wait
from idp.clock import Clock, to_text
from idp.directory.locks import KeyedLocks, retrying
from idp.errors import IdpError, NotUnique, Overloaded, RateLimited, Unanswered, VersionMismatch
from idp.query import Field
from idp.store.contract import Delete, DeleteWhere, Insert, Record, Replace, Store, Write

Result = TypeVar("Result")

LIMITS: Final = "limits"
IN_A_ROW: Final = 100
"""NIST SP 800-63B section 3.2.2: no more failures than this without a success."""


_MAILS: Final = Lockout.parse(["5/15m", "20/1d"])
_MAILS_OF_A_SOURCE: Final = Lockout.parse(["30/15m"])


class Kind(StrEnum):
    """What is guessed, or asked for too often; each is counted by itself."""

    PASSWORD = "password"  # noqa: S105 - the name of a counter
    TOTP = "totp"
    EMAIL_CODE = "email_code"
    RECOVERY = "recovery"
    MAIL = "mail"
    LINK = "link"


_MAILED: Final = frozenset({Kind.MAIL, Kind.LINK})


class Blocked(RateLimited):
    """So many failures in a row that waiting does not help any more."""

    def __init__(self) -> None:
        super().__init__(86400)
        self.args = ("too many wrong answers in a row; an administrator has to reset this",)


@dataclass(frozen=True, slots=True)
class LimitRules:
    """The lockouts in force: for passwords, for each second factor, per source address, and for mails asked for."""

    account: Lockout
    factor: Lockout
    source: Lockout
    mail: Lockout = _MAILS
    mail_source: Lockout = _MAILS_OF_A_SOURCE

    @classmethod
    def parse(cls, account: Iterable[str], factor: Iterable[str], source: Iterable[str]) -> "LimitRules":
        """Read the limits as settings write them. Raises ValueError."""
        return cls(Lockout.parse(account), Lockout.parse(factor, IN_A_ROW), Lockout.parse(source))

    def of_account(self, kind: Kind) -> Lockout:
        """Return the lockout of an account's counter."""
        if kind in _MAILED:
            return self.mail
        return self.account if kind is Kind.PASSWORD else self.factor

    def of_source(self, kind: Kind) -> Lockout:
        """Return the lockout of a source's counter."""
        return self.mail_source if kind in _MAILED else self.source


class Attempt:
    """One attempt under way; it counts as failed unless it says that it was right."""

    def __init__(self) -> None:
        self.was_right = False
        self.has_left = False

    def right(self) -> None:
        """Say that the answer was right: the account's failures of this kind are forgotten."""
        self.was_right = True

    def leaves(self) -> None:
        """Say that the answer goes to another system, where it counts although nobody waits for the verdict."""
        self.has_left = True


class Limits:
    """Lets attempts through one by one for each account, and refuses them when there were too many failures.

    An attempt is counted against its account before it is made, so however many come at once and from however many
    workers, no more than the limit are made. A source is counted after the fact: people behind one address may log
    in side by side, and the hashing pool bounds how many.
    """

    def __init__(self, store: Store, clock: Clock, rules: LimitRules) -> None:
        self._store = store
        self._clock = clock
        self._rules = rules
        self._locks = KeyedLocks()

    @asynccontextmanager
    async def attempt(self, kind: Kind, account: str, address: str) -> AsyncIterator[Attempt]:
        """Hold the account's turn while an answer is tried. Raises RateLimited instead of letting it be tried.

        An error from inside means that nothing was tried, and is not counted: neither a system that is away nor a
        second press of the button must lock people out. Nor is a password that somebody stopped waiting for. But what
        another system may have counted is counted here, so that these limits are reached before its own are.
        """
        own = _Counter(kind, self._rules.of_account(kind), address, account)
        source = _Counter(kind, self._rules.of_source(kind), address)
        attempt = Attempt()
        async with self._locks.hold(own.id):
            await self._refuse(await self._store.get(LIMITS, source.id), source)
            moment = await self._count(own)
            try:
                yield attempt
            except (IdpError, CancelledError) as error:
                if _was_nothing(error, kind, attempt):
                    await self._change(own, lambda history: taken_back(history, moment))
                raise
            if attempt.was_right:
                await self._change(own, lambda _: History())
        if not attempt.was_right:
            async with self._locks.hold(source.id):
                await self._change(source, lambda history: failed(source.lockout, history, self._now()))

    async def clear(self, kind: Kind, account: str) -> None:
        """Forget an account's failures of one kind."""
        await self._change(_Counter(kind, self._rules.of_account(kind), "", account), lambda _: History())

    def forgotten(self, account: str) -> Write:
        """Return the write that forgets every failure of an account: part of a reset."""
        return DeleteWhere(LIMITS, Field(("account",)), account)

    async def _count(self, counter: "_Counter") -> float:
        """Count a failure in advance; returns its moment. Raises RateLimited if there were too many already."""

        async def once() -> float:
            record = await self._store.get(LIMITS, counter.id)
            await self._refuse(record, counter)
            now = self._now()
            await self._put(record, counter, failed(counter.lockout, _history(record), now))
            return now

        return await self._racing(once)

    async def _change(self, counter: "_Counter", change: Callable[[History], History]) -> None:
        async def once() -> None:
            record = await self._store.get(LIMITS, counter.id)
            await self._put(record, counter, change(_history(record)))

        await self._racing(once)

    async def _refuse(self, record: Record | None, counter: "_Counter") -> None:
        history = _history(record)
        if is_blocked(counter.lockout, history):
            raise Blocked
        if record is not None and (seconds := wait(counter.lockout, history, self._now())):
            await self._tell(record, counter)
            raise RateLimited(seconds)

    async def _tell(self, record: Record, counter: "_Counter") -> None:
        """Record once that attempts are refused from now on; the refusals after that cost no writes."""
        if record.document["told"]:
            return
        told = Replace(LIMITS, {**record.document, "told": True}, record.version)
        details = {"counter": str(counter.kind), "of": "account" if counter.account else "source"}
        actor = ANONYMOUS(counter.address)
        with suppress(VersionMismatch):
            await self._store.commit(
                [told, event(Tag.AUTH_LIMIT_REACHED, actor, counter.account, self._clock, details)]
            )

    async def _put(self, record: Record | None, counter: "_Counter", history: History) -> None:
        """Write the counter as it is to be, if it is still as it was read."""
        write: Write
        if history == History():
            if record is None:
                return
            write = Delete(LIMITS, counter.id, record.version)
        else:
            document = counter.document(history, self._now())
            write = Replace(LIMITS, document, record.version) if record else Insert(LIMITS, document)
        try:
            await self._store.commit([write])
        except NotUnique:
            raise VersionMismatch(LIMITS, counter.id) from None

    async def _racing(self, once: Callable[[], Awaitable[Result]]) -> Result:
        try:
            return await retrying(once)
        except VersionMismatch:
            raise Overloaded("the limit on attempts") from None

    def _now(self) -> float:
        return self._clock.now().timestamp()


def _was_nothing(error: BaseException, kind: Kind, attempt: Attempt) -> bool:
    if isinstance(error, CancelledError):
        # A password checked here for somebody who is gone tells them nothing. A code may have been used up, and its
        # step taken: who leaves in the middle must not try for nothing.
        return kind is Kind.PASSWORD and not attempt.has_left
    return not isinstance(error, Unanswered)


@dataclass(frozen=True, slots=True)
class _Counter:
    """One counter of one kind, of an account or (without one) of a source."""

    kind: Kind
    lockout: Lockout
    address: str
    account: str = ""

    @property
    def id(self) -> str:
        of = f"account:{self.account}" if self.account else f"source:{source_of(self.address)}"
        return f"{self.kind}:{of}"

    def document(self, history: History, now: float) -> dict[str, Any]:
        document: dict[str, Any] = {
            "id": self.id,
            "account": self.account,
            "moments": list(history.moments),
            "inARow": history.in_a_row,
            "told": False,
        }
        until = kept_until(self.lockout, now)
        return document if until is None else document | {"expires": to_text(datetime.fromtimestamp(until, UTC))}


def _history(record: Record | None) -> History:
    if record is None:
        return History()
    return History(tuple(record.document["moments"]), record.document["inARow"])


def source_of(address: str) -> str:
    """Return what counts as one source: an IPv4 address, or the /64 that one IPv6 customer has to choose from."""
    try:
        ip = ip_address(address)
    except ValueError:
        return address
    if ip.version == 4:
        return str(ip)
    return str(ip.ipv4_mapped or ip_network((ip, 64), strict=False))
