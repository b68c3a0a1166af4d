"""What a commit comes to, worked out before anything is written: pure, over what was read in the same transaction."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from idp.errors import NotUnique, VersionMismatch
from idp.query import Field, normalise
from idp.store.contract import Check, Delete, DeleteWhere, Insert, Replace, Write
from idp.store.keys import NEVER
from idp.store.mongo.layout import Layout
from idp.store.mongo.ledger import Claimed

Record = dict[str, Any]
Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Prepared:
    """A write with the record that it puts in place (whose version is still to be set) and that record's claims."""

    write: Write
    layout: Layout
    record: Record | None = None
    claims: frozenset[str] = frozenset()

    @property
    def id(self) -> str | None:
        """The id of the record that the write names; None for one that names none."""
        match self.write:
            case Insert(_, document) | Replace(_, document):
                return str(document["id"])
            case Delete(_, id) | Check(_, id):
                return id
            case DeleteWhere():
                return None


@dataclass(frozen=True, slots=True)
class State:
    """A record as the writes of a commit leave it; there is none while `version` is None.

    `record` is set by writes alone: of what was read, the document stays in the database.
    """

    layout: Layout
    version: int | None = None
    keys: Mapping[str, Any] = field(default_factory=dict)
    claims: frozenset[str] = frozenset()
    expires: int = NEVER
    record: Record | None = None
    checked: bool = False


@dataclass(slots=True)
class Changes:
    """What is to be done to one collection, each id once."""

    layout: Layout
    inserted: list[Record] = field(default_factory=list)
    replaced: list[Record] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)
    checked: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Outcome:
    """What a commit comes to: changes by collection, claims with their owner and expiry, and growth in records.

    A claim may be both released and claimed: then it goes from one record to another.
    """

    changes: dict[str, Changes] = field(default_factory=dict)
    released: set[str] = field(default_factory=set)
    claimed: dict[str, Claimed] = field(default_factory=dict)
    growth: Counter[str] = field(default_factory=Counter)

    @property
    def changed(self) -> set[str]:
        """The collections of which something comes out otherwise."""
        return {name for name, one in self.changes.items() if one.inserted or one.replaced or one.deleted}


def read_state(layout: Layout, found: Mapping[str, Any]) -> State:
    """Return the state of a record that was read."""
    claims = frozenset(found.get("claims", ()))
    return State(layout, found["version"], found["keys"], claims, found.get("expires", NEVER))


def play(writes: Iterable[Prepared], before: Mapping[Key, State], now: int) -> Outcome:
    """Let the writes pass over what was read. Raises NotUnique and VersionMismatch.

    `before` holds every record that a write names and that is there, but for records to be inserted where none expire:
    the database will refuse those that are.
    """
    game = _Game(before, now)
    for prepared in writes:
        game.play(prepared)
    return _difference(before, game.states)


class _Game:
    def __init__(self, before: Mapping[Key, State], now: int) -> None:
        self.states = dict(before)
        self._now = now

    def play(self, prepared: Prepared) -> None:
        layout, key = prepared.layout, (prepared.layout.name, prepared.id or "")
        match prepared.write:
            case Insert():
                if self._is_there(key):
                    raise NotUnique(layout.name, "id")
                self._put(key, prepared, 1)
            case Replace(_, _, version):
                self._put(key, prepared, self._expected(key, version) + 1)
            case Delete(_, _, version):
                self._expected(key, version)
                self.states[key] = State(layout)
            case Check(_, _, version):
                self._expected(key, version)
                self.states[key] = replace(self.states[key], checked=True)
            case DeleteWhere(_, wanted, value):
                self._delete_where(layout, wanted, value)

    def _is_there(self, key: Key) -> bool:
        state = self.states.get(key)
        return state is not None and state.version is not None and state.expires > self._now

    def _expected(self, key: Key, version: int | None) -> int:
        there = self.states[key].version if self._is_there(key) else None
        if there is None or version not in (None, there):
            raise VersionMismatch(*key)
        return there

    def _put(self, key: Key, prepared: Prepared, version: int) -> None:
        record = (prepared.record or {}) | {"version": version}
        expires = record.get("expires", NEVER)
        self.states[key] = State(prepared.layout, version, record["keys"], prepared.claims, expires, record)

    def _delete_where(self, layout: Layout, wanted: Field, value: str) -> None:
        sought, name = normalise(wanted, value), layout.names[wanted]
        for key, state in self.states.items():
            values = state.keys.get(name)
            if key[0] == layout.name and sought in (values if isinstance(values, list) else [values]):
                self.states[key] = State(layout)


def _difference(before: Mapping[Key, State], after: Mapping[Key, State]) -> Outcome:
    outcome = Outcome()
    for key, state in after.items():
        old = before.get(key)
        changes = outcome.changes.setdefault(key[0], Changes(state.layout))
        if state.record is not None:
            (changes.replaced if old else changes.inserted).append(state.record)
        elif state.version is None and old:
            changes.deleted.append(key[1])
        elif state.checked:
            changes.checked.append(key[1])
        outcome.growth[key[0]] += (state.version is not None) - (old is not None)
        _compare_claims(outcome, key, old, state)
    return outcome


def _compare_claims(outcome: Outcome, key: Key, old: State | None, new: State) -> None:
    held = old.claims if old else frozenset()
    outcome.released |= held - new.claims
    # Where records expire, their claims do so with them, and live on with them too.
    wanted = new.claims if new.record and new.layout.collection.expires else new.claims - held
    for claim in wanted:
        if claim in outcome.claimed:
            raise NotUnique(key[0], claim.split("|", 2)[1])
        outcome.claimed[claim] = (key[1], new.expires)
