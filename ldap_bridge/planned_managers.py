"""Who reports to whom, once every person of a read has an id: managers may be read later than their people."""

import asyncio
from collections.abc import Container, Iterator, Mapping
from typing import Final

from idp.schema import USER as USER_TYPE
from idp.store.contract import Record, Store
from ldap_bridge.intake import Intake
from ldap_bridge.links import Link
from ldap_bridge.parts import batched
from ldap_bridge.plan import USER, Change, FieldChange, Kind, Plan, dotted
from ldap_bridge.rules import MANAGER
from ldap_bridge.shelf import Shelf

_TOGETHER: Final = 500
# Kinds of changes that may have an entry; conflicts wait, and so does all that they ask for.
_READ: Final = frozenset(Kind) - {Kind.CONFLICT}
_PATH: Final = dotted(MANAGER)


async def plan_managers(plan: Plan, store: Store, people: Intake) -> None:
    """Add to the plan whose manager becomes another.

    A manager who is not among the people that are read is none. After an incomplete read nobody loses one.
    """
    looked_at = Shelf(bool)

    def look(change: Change) -> Change:
        if change.found is None:
            return change
        stable = change.found.stable
        boss = people.bosses.get(stable)
        had = change.link.manager if change.link and change.kind is not Kind.CREATE else ""
        wanted = people.refs.get(boss, "") if boss else ""
        if boss:
            looked_at.put(stable, True)
        if wanted != had and (wanted or not boss or plan.complete):
            _change_also(change, had, wanted)
        return change

    # Who is made has no manager yet, and without the name of one gets none.
    kinds = _READ if people.bosses else _READ - {Kind.CREATE}
    # Of a hundred thousand changes this takes a second, which requests must not wait for.
    await asyncio.to_thread(plan.changes.revise_of, look, *kinds, subject=USER)
    await _plan_alone(plan, store, people, looked_at)


async def _plan_alone(plan: Plan, store: Store, people: Intake, looked_at: Container[str]) -> None:
    """Plan the new managers of those of whom nothing else changes."""
    for some in batched(_alone(plan, people, looked_at), _TOGETHER):
        stored = await store.get_many(USER_TYPE.collection, [link.resource for link, _ in some])
        plan.changes.extend([_of_her_alone(link, wanted, stored) for link, wanted in some])
        plan.changes.put_away()


def _alone(plan: Plan, people: Intake, looked_at: Container[str]) -> Iterator[tuple[Link, str]]:
    for stable, boss in people.bosses.items():
        link = people.links.get(stable)
        if link is None or stable in looked_at:
            continue
        wanted = people.refs.get(boss, "")
        if wanted != link.manager and (wanted or plan.complete):
            yield link, wanted


def _change_also(change: Change, had: str, wanted: str) -> None:
    change.manager = wanted
    if change.kind is Kind.CREATE:
        return
    change.fields = (*change.fields, _field(had, wanted))
    if change.kind is Kind.SAME:
        change.kind = Kind.UPDATE


def _of_her_alone(link: Link, wanted: str, stored: Mapping[str, Record]) -> Change:
    record = stored.get(link.resource)
    name = str(record.document["userName"]) if record else link.dn
    fields = (_field(link.manager, wanted),)
    return Change(Kind.UPDATE, USER, name, link.dn, link.resource, fields, link=link, manager=wanted)


def _field(had: str, wanted: str) -> FieldChange:
    return FieldChange(_PATH, {"value": had} if had else None, {"value": wanted} if wanted else None)
