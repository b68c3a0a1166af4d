"""Follows a directory: decides whether a run looks at everything or at changes, and remembers how far it has come."""

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import blake2b
from typing import Final, Protocol

import msgspec

from idp.clock import Clock, from_text, to_text
from idp.store.contract import Insert, Record, Replace, Store, Write
from ldap_bridge.choice import Choice
from ldap_bridge.delta_scope import Changed, Hanging
from ldap_bridge.entries import Directory, Entry
from ldap_bridge.errors import DirectoryBusy
from ldap_bridge.feeds import Delta, Feed, FeedBroken, FeedName
from ldap_bridge.links import Links
from ldap_bridge.mapping import Mapper
from ldap_bridge.plan import GROUP, USER, Kind, Plan
from ldap_bridge.scope import Everything, Scope
from ldap_bridge.settings import Source

COLLECTION: Final = "ldap_feeds"
# Entries that are asked for again by themselves; with more of them a full compare is the better question.
MOST_RETRIED: Final = 500


class Follow(Protocol):
    """What following needs of a source. Every method blocks, and may raise DirectoryError."""

    def choose(self) -> list[Choice]:
        """Ask the server what it offers; return the feeds that fit, the best one first, a full compare last."""
        ...

    def feed(self, name: FeedName) -> Feed:
        """Return a feed of the server; nothing is asked yet."""
        ...

    def find_groups(self, hanging: Hanging) -> list[Entry]:
        """Return the groups that hang on changes. Raises FeedBroken when there are too many to ask for."""
        ...

    def next_server(self, busy: DirectoryBusy) -> None:
        """Go on with the next server, of which nothing is known yet. Raises DirectoryError if there is none."""
        ...

    def entries(self, kind: str, stables: Sequence[str]) -> list[Entry]:
        """Return the people, or groups, of these stable ids, as far as they are there."""
        ...


@dataclass(slots=True)
class Memory:
    """What is remembered of a source: how far its feed was followed, and when everything was last looked at.

    `retry` names entries, as kind and stable id, that were not brought in step; they are looked at again.
    """

    id: str
    feed: str
    position: str
    settings: str
    full: str
    retry: list[tuple[str, str]] = field(default_factory=list)


@dataclass(slots=True)
class Approach:
    """How a run goes about it. `position` is what to remember when all of it is done, "" for nothing."""

    choice: Choice
    whole: bool
    reason: str
    position: str = ""
    delta: Delta | None = None
    full: str = ""


class Following:
    """Follows one source."""

    def __init__(
        self, source: Source, directory: Directory, follow: Follow, mapper: Mapper, store: Store, clock: Clock
    ) -> None:
        self._source = source
        self._directory = directory
        self._follow = follow
        self._mapper = mapper
        self._store = store
        self._clock = clock

    async def approach(self, *, whole: bool = False) -> Approach:
        """Choose a feed and read the changes, or say why everything must be looked at. Raises DirectoryError."""
        choices = await asyncio.to_thread(self._follow.choose)
        record = await self._store.get(COLLECTION, self._source.name)
        memory = _memory(record) if record else None
        reason = "asked for" if whole else self._why_whole(choices, memory)
        if not reason and memory is not None:
            choice = next(choice for choice in choices if choice.feed == memory.feed)
            try:
                return await asyncio.to_thread(self._changes, choice, memory, await self._due())
            except FeedBroken as broken:
                reason = str(broken)
        return await asyncio.to_thread(self._everything, choices, reason)

    async def instead(self, reason: str) -> Approach:
        """Return the approach that looks at everything, after another has proved unfit. Raises DirectoryError."""
        return await asyncio.to_thread(lambda: self._everything(self._follow.choose(), reason))

    def _everything(self, choices: Sequence[Choice], reason: str) -> Approach:
        """Blocking: look at everything, and go on afterwards by the first feed that says where the directory stands."""
        full = to_text(self._clock.now())
        choice, position, refusals = tried(self._follow, choices)
        why = "; ".join(filter(None, [reason, *refusals]))
        return Approach(choice, True, why or choice.reason, position, full=full)

    def scope(self, approach: Approach) -> Scope:
        """Return what a planner is to look at."""
        if approach.delta is None:
            return Everything(self._directory, self._mapper, self._store, self._source.name)
        return Changed(approach.delta, self._follow, self._mapper, self._store, self._source)

    async def remembered(self, approach: Approach, plan: Plan, failed: Collection[str]) -> list[Write]:
        """Return the write that moves the position on, once all changes up to it are durable.

        There is none after a read that proves nothing. For whoever holds the lease of the source.
        """
        retry = retried(plan, failed)
        if not plan.complete or not approach.position or len(retry) > MOST_RETRIED:
            return []
        memory = Memory(
            id=self._source.name,
            feed=approach.choice.feed,
            position=approach.position,
            settings=self._settings,
            full=approach.full,
            retry=retry,
        )
        record = await self._store.get(COLLECTION, memory.id)
        document = msgspec.to_builtins(memory)
        return [Replace(COLLECTION, document, record.version) if record else Insert(COLLECTION, document)]

    def _why_whole(self, choices: Sequence[Choice], memory: Memory | None) -> str:
        """Return why a feed will not do this time, or ""."""
        if choices[0].feed is FeedName.FULL:
            return choices[0].reason
        if memory is None:
            return "there is no earlier run to go on from"
        if memory.feed not in [choice.feed for choice in choices]:
            return f"until now the directory was followed by {memory.feed}"
        if memory.settings != self._settings:
            return "the settings have changed"
        if len(memory.retry) > MOST_RETRIED:
            return f"more than {MOST_RETRIED} entries are to be looked at again"
        days = self._source.full_every
        if self._clock.now() - from_text(memory.full) >= timedelta(days=days):
            return f"the last full compare is {days:g} days ago"
        return ""

    async def _due(self) -> list[str]:
        """Return the stable ids of people who are looked at because of the time alone.

        Who is to go for good is among them: an entry that was put back from a backup is told of by no feed.
        """
        links, now = Links(self._store, self._source.name), self._clock.now()
        due = await links.due(to_text(now))
        if self._source.purge_after:
            until = to_text(now - timedelta(days=self._source.purge_after))
            due += [link.stable for link in await links.gone_until(until)]
        return due

    def _changes(self, choice: Choice, memory: Memory, due: Sequence[str]) -> Approach:
        """Blocking: read what has changed, what could not be done last time, and for whom the time has come."""
        delta = self._follow.feed(choice.feed).changes(memory.position)
        again = {*memory.retry, *((USER, stable) for stable in due)}
        for kind, changes in ((USER, delta.people), (GROUP, delta.groups)):
            wanted = sorted(stable for subject, stable in again if subject == kind)
            if wanted:
                entries = self._follow.entries(kind, wanted)
                changes.entries = [*{entry.dn: entry for entry in (*entries, *changes.entries)}.values()]
                changes.gone.update(wanted)  # those that were found will be seen
        return Approach(choice, False, choice.reason, delta.position, delta, memory.full)

    @property
    def _settings(self) -> str:
        """What stands for the settings that decide how an entry is read."""
        source = self._source
        shown = [source.base, source.stable_id, source.users, source.groups]
        return blake2b(msgspec.json.encode(shown), digest_size=12).hexdigest()


def tried(follow: Follow, choices: Sequence[Choice]) -> tuple[Choice, str, list[str]]:
    """Blocking: return the first feed that says where the directory stands, that position, and why others did not.

    Without any it is the full compare, from no position. Raises DirectoryError.
    """
    refusals: list[str] = []
    for choice in choices:
        if choice.feed is FeedName.FULL:
            break
        try:
            return choice, follow.feed(choice.feed).position(), refusals
        except FeedBroken as broken:
            refusals.append(str(broken))
    return choices[-1], "", refusals


async def ask_again(store: Store, source: str, kind: str, stables: Sequence[str]) -> None:
    """Let the next run look at entries, whatever the feed says, or at everything where there are very many.

    For whoever holds the lease of the source.
    """
    record = await store.get(COLLECTION, source)
    if record is None:
        return
    memory = _memory(record)
    wanted = {(kind, stable) for stable in stables}.difference(memory.retry)
    if wanted:
        # One more than can be asked for by themselves stands for all of them.
        memory.retry = [*memory.retry, *sorted(wanted)][: MOST_RETRIED + 1]
        await store.commit([Replace(COLLECTION, msgspec.to_builtins(memory), record.version)])


def retried(plan: Plan, failed: Collection[str]) -> list[tuple[str, str]]:
    """Return the entries that a run has not brought in step, as kind and stable id."""
    again = {(problem.subject, problem.stable) for problem in plan.problems if problem.stable}
    for change in plan.changes.of(*([] if failed else [Kind.CONFLICT])):
        if change.stable and (change.kind is Kind.CONFLICT or change.resource in failed):
            again.add((change.subject, change.stable))
    again |= {*plan.skipped}
    touched = plan.memberships if failed else ()
    again |= {(GROUP, change.link.stable) for change in touched if change.link and change.group in failed}
    return sorted(again)


def _memory(record: Record) -> Memory:
    return msgspec.convert(record.document, Memory)
