"""What becomes of people who are handed over from one keeper to another, judged one by one. Pure."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from idp.directory import Resource
from idp.directory.guard import is_active_root
from idp.directory.ownership import source_of
from idp.query import fold
from ldap_bridge.entries import Entry
from ldap_bridge.mapping import Found
from ldap_bridge.settings import Source


@dataclass(frozen=True, slots=True)
class Converted:
    """What becomes, or would become, of one person. With a problem nothing does; `mailed` says that a link is sent."""

    id: str
    user_name: str
    old: str
    new: str
    dn: str = ""
    mailed: bool = False
    problem: str = ""


Judge = Callable[[Resource], Converted]
"""Returns what becomes of somebody."""
Look = tuple[Resource | None, Converted]
"""Somebody as she is now, None when she is gone, and what becomes of her."""


@dataclass(frozen=True, slots=True)
class Person:
    """An entry of a directory, for whoever is to be linked with it."""

    entry: Entry
    found: Found


def to_source(user: Resource, source: Source, there: Mapping[str, Person], taken: Mapping[str, str]) -> Converted:
    """Return what becomes of one person: linked with the entry of the same login, if that is nobody else's."""
    name, old = str(user.document["userName"]), source_of(user.document)
    done = Converted(user.id, name, old, source.key)
    if old == source.key:
        return replace(done, problem=f"comes from {old} already")
    person = there.get(fold(name))
    if person is None:
        return replace(done, problem=f"no single person of {source.name} is called that")
    done = replace(done, dn=person.found.dn)
    if taken.get(person.found.stable, user.id) != user.id:
        return replace(done, problem="the entry belongs to another account")
    return done


def sources_left(plans: Iterable[Converted]) -> set[str]:
    """Return the names of the directories that somebody leaves."""
    old = {plan.old for plan in plans if not plan.problem}
    return {source.removeprefix("ldap:") for source in old if source.startswith("ldap:")}


def still(first: Converted, now: Converted) -> Converted:
    """Return what becomes of somebody who was looked at before it was her directory's turn, and again in it."""
    if first.problem:
        return first
    if now.problem or first.old == now.old:
        return now
    return replace(now, mailed=False, problem=f"comes from {now.old} by now")


def roots_apart(looks: Sequence[Look]) -> Iterator[list[Look]]:
    """Yield everybody together, and each root alone: after each it must be asked whether another one is left."""
    is_root = [user is not None and is_active_root(user.document) for user, _ in looks]
    yield [look for look, alone in zip(looks, is_root, strict=True) if not alone]
    yield from ([look] for look, alone in zip(looks, is_root, strict=True) if alone)
