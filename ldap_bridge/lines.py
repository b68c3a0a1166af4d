"""The lines of a plan and of what a run did: one for each person or group, kept packed, some hundred to a record."""

from base64 import b64decode, b64encode
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, Final
from zlib import compress, decompress

import msgspec

from idp.clock import Clock, to_text
from idp.errors import InvalidValue
from idp.query import Compare, Field, Op, fold
from idp.store.contract import Insert, Store
from idp.store.pages import pages
from ldap_bridge.parts import parts

CHANGES: Final = "ldap_changes"
_RUN: Final = Field(("run",))
# Lines of one record, where four members that come or go count like a line: some ten kilobytes once packed.
_TOGETHER: Final = 500
_NAMES_LIKE_A_LINE: Final = 4
# Names in one line; the members of larger changes stand in several.
_NAMED: Final = 1_000
# Records read at once: their lines are all in memory for a moment.
_AT_ONCE: Final = 20
# Beyond the fastest level text of this kind gains little.
_LEVEL: Final = 1


@dataclass(frozen=True, slots=True)
class Logged:
    """One change as the history keeps it. `error` says why it could not be made.

    `stable` is the stable id of the entry, and `mark` stands for all that it says, whatever is shown of it.
    """

    kind: str
    subject: str
    name: str
    dn: str
    resource: str
    fields: Sequence[dict[str, Any]] = ()
    old_dn: str = ""
    reason: str = ""
    added: Sequence[str] = ()
    removed: Sequence[str] = ()
    error: str = ""
    stable: str = ""
    mark: str = ""

    @property
    def names(self) -> Iterator[str]:
        """Everything by which somebody may be looked for."""
        yield from (self.name, self.dn, self.old_dn, self.resource, self.stable, *self.added, *self.removed)
        for one in self.fields:
            yield from (value for value in (one["old"], one["new"]) if isinstance(value, str))


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which lines to show: of these kinds (all when empty), and about one of these names (of everybody when empty)."""

    kinds: frozenset[str] = frozenset()
    names: frozenset[str] = frozenset()

    def matches(self, line: Logged) -> bool:
        """Tell whether a line is wanted. Names are compared in any case."""
        if self.kinds and line.kind not in self.kinds:
            return False
        return not self.names or not self.names.isdisjoint(map(fold, line.names))


@dataclass(frozen=True, slots=True)
class LinePage:
    """Some lines in the order of the run; `next` is where to go on, "" at the end."""

    lines: list[Logged] = field(default_factory=list)
    next: str = ""


class Lines:
    """The lines of all runs. A record holds some hundred, packed: a hundred thousand take a few megabytes."""

    def __init__(self, store: Store, clock: Clock, kept: timedelta) -> None:
        self._store = store
        self._clock = clock
        self._kept = kept

    async def append(self, run: str, number: int, lines: Sequence[Logged]) -> None:
        """Add lines to a run; `number` is that of the first of them."""
        packed = b64encode(compress(_encode(lines), _LEVEL)).decode()
        expires = to_text(self._clock.now() + self._kept)
        document = {"id": f"{run}:{number:09d}", "run": run, "lines": packed, "expires": expires}
        await self._store.commit([Insert(CHANGES, document)])

    async def all(self, run: str) -> list[Logged]:
        """Return every line of a run."""
        return [line async for _, _, line in self._from(run, 0, 0)]

    async def page(self, run: str, wanted: Wanted, after: str = "", limit: int = 100) -> LinePage:
        """Return up to `limit` lines that are wanted, after those of an earlier page. Raises InvalidValue."""
        start, skipped = _position(after)
        found: list[Logged] = []
        async for number, place, line in self._from(run, start, skipped):
            if not wanted.matches(line):
                continue
            if len(found) == limit:
                return LinePage(found, f"{number}.{place}")
            found.append(line)
        return LinePage(found)

    async def _from(self, run: str, start: int, skipped: int) -> AsyncIterator[tuple[int, int, Logged]]:
        """Yield the lines from a place on, each with the number of its record and its place in there."""
        after = f"{run}:{start - 1:09d}" if start else None
        async for records in pages(self._store, CHANGES, Compare(_RUN, Op.EQ, run), _AT_ONCE, after):
            for record in records:
                number = int(record.id.rpartition(":")[2])
                for place, line in enumerate(_decode(decompress(b64decode(record.document["lines"])))):
                    if number > start or place >= skipped:
                        yield number, place, line


class LineLog:
    """Collects a run's lines and stores some hundred at a time; a process that dies loses the last of them.

    Nothing but the history hangs on them: each change has its audit event in its own commit.
    """

    def __init__(self, lines: Lines, run: str) -> None:
        self._lines = lines
        self._run = run
        self._waiting: list[Logged] = []
        self._weight = 0
        self.count = 0
        """Lines taken so far."""

    async def add(self, lines: Iterable[Logged]) -> None:
        """Take more lines."""
        for line in lines:
            for part in _shorter(line):
                self._waiting.append(part)
                self._weight += 1 + (len(part.added) + len(part.removed)) // _NAMES_LIKE_A_LINE
                if self._weight >= _TOGETHER:
                    await self.close()

    async def close(self) -> None:
        """Store what waits."""
        if self._waiting:
            some, self._waiting, self._weight = self._waiting, [], 0
            self.count, number = self.count + len(some), self.count
            await self._lines.append(self._run, number, some)


def _shorter(line: Logged) -> Iterator[Logged]:
    """Yield a line, or several in place of one that names very many."""
    if len(line.added) + len(line.removed) <= _NAMED:
        yield line
        return
    for some in parts(line.added, _NAMED):
        yield replace(line, added=some, removed=())
    for some in parts(line.removed, _NAMED):
        yield replace(line, added=(), removed=some)


def _position(text: str) -> tuple[int, int]:
    start, _, place = (text or "0.0").partition(".")
    if not (start.isdecimal() and place.isdecimal() and start.isascii() and place.isascii()):
        raise InvalidValue("after", f"{text!r} is no place in a run")
    return int(start), int(place)


_encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder(list[Logged]).decode
