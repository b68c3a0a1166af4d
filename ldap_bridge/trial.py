"""A look at a directory without a run: whether it answers, and what its people would become."""

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any, Final

from idp.words import counted
from ldap_bridge.directories import at_any_server, describe, open_followed
from ldap_bridge.entries import Directory, Entry, Reading, Selection
from ldap_bridge.following import Follow, tried
from ldap_bridge.intake import Intake
from ldap_bridge.mapping import Found, Mapped, Mapper, Problem
from ldap_bridge.planned_roles import missing_groups
from ldap_bridge.report import shown
from ldap_bridge.rules import Document, put_at, value_at
from ldap_bridge.settings import Source

_SHOWN: Final = 10


@dataclass(frozen=True, slots=True)
class Trial:
    """What a source answers: `server` is what it says of itself; problems are the first ten entries not mapped.

    `elsewhere` are addresses of other servers that it has referred to.
    """

    source: str
    where: str
    server: dict[str, Any]
    feed: str
    why: str
    people: int
    groups: int
    complete: bool
    gaps: list[str]
    problems: list[dict[str, Any]]
    example: dict[str, Any] | None
    elsewhere: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Seen:
    """What there is of people, or of groups: how many, and whom nothing can be made of."""

    count: int = 0
    gaps: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    example: dict[str, Any] | None = None
    read: set[str] = field(default_factory=set)
    """Their DN keys."""


def try_out(source: Source, mapper: Mapper, now: datetime) -> Trial:
    """Read everything once, as a run would. Blocks; raises DirectoryError, LdifError and ConfigError."""
    directory, follow = open_followed(source, mapper)
    return at_any_server(follow, lambda: _tried_out(source, mapper, now, directory, follow))


def _tried_out(source: Source, mapper: Mapper, now: datetime, directory: Directory, follow: Follow) -> Trial:
    server = describe(source)
    choice, _, refusals = tried(follow, follow.choose())
    readings = [directory.read(mapper.people_selection)]
    people = _see("people", readings[0], partial(mapper.people, now), mapper, mapper.why_no_person)
    if not people.count:
        people.gaps.insert(0, f"people: {_nobody(mapper.people_selection, len(people.problems))}")
    groups = _Seen()
    if source.groups.enabled:
        readings.append(directory.read(mapper.group_selection))
        groups = _see("groups", readings[1], mapper.group_entries, mapper, mapper.why_no_group)
    gaps = people.gaps + groups.gaps
    missing = [] if groups.gaps else missing_groups(source, groups.read, groups.problems)
    problems = [*missing, *people.problems, *groups.problems]
    return Trial(
        source=source.name,
        where=source.where,
        server=server,
        feed=choice.feed,
        why="; ".join([choice.reason, *refusals]),
        people=people.count,
        groups=groups.count,
        complete=not gaps,
        gaps=gaps,
        problems=[{"dn": one.dn, "reason": one.reason} for one in problems[:_SHOWN]],
        example=people.example or groups.example,
        elsewhere=list(dict.fromkeys(uri for reading in readings for uri in reading.outcome.elsewhere)),
    )


def _see(
    what: str,
    reading: Reading,
    work: Callable[[Sequence[Entry]], Mapped],
    mapper: Mapper,
    why_not: Callable[[Found], str],
) -> _Seen:
    seen, intake = _Seen(), Intake(())
    with closing(reading.batches()) as batches:
        for mapped in map(work, batches):
            refused = [Problem(found.dn, why, found.stable) for found in mapped.found if (why := why_not(found))]
            seen.count -= len(refused)
            seen.read.update(found.dn_key for found in mapped.found)
            new = intake.sort(mapped).new
            intake.problems += refused
            if seen.example is None and new:
                seen.example = {"dn": new[0].dn, **_shown(new[0].document(), mapper)}
    seen.count += intake.count - len(intake.shared)
    seen.problems = intake.problems
    reasons = [*([] if reading.outcome.complete else [reading.outcome.reason]), *intake.gaps]
    seen.gaps = [f"{what}: {reason}" for reason in reasons]
    return seen


def _nobody(selection: Selection, left: int) -> str:
    if left:
        return f"nobody can be made of {counted(left, 'entry', 'entries')}"
    matching = " that matches users.filter" if selection.filters else ""
    below = f" below {' or '.join(map(repr, selection.bases))}" if any(selection.bases) else ""
    return f"there is no {' or '.join(selection.classes)}{matching}{below}, as far as the account may see"


def _shown(document: Document, mapper: Mapper) -> Document:
    for place in mapper.users.secret:
        put_at(document, place, mapper.users.shown(place, value_at(document, place)))
    return {name: shown(value) for name, value in document.items()}
