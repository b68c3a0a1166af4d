"""Who reports to whom, once every person of a read has an id: managers may be read later than their people."""

from collections.abc import Mapping
from typing import Final

from idp.schema import USER as USER_TYPE
from idp.store.contract import Record, Store
from ldap_bridge.intake import Intake
from ldap_bridge.links import Link
from ldap_bridge.plan import USER, Change, FieldChange, Kind, Plan, dotted
from ldap_bridge.rules import MANAGER

_PATH: Final = dotted(MANAGER)


async def plan_managers(plan: Plan, store: Store, people: Intake) -> None:
    """Add to the plan whose manager becomes another.

    A manager who is not among the people that are read is none. After an incomplete read nobody loses one.
    """
    changes = {
        change.found.stable: change
        for change in plan.changes
        if change.subject == USER and change.found and change.kind is not Kind.CONFLICT
    }
    alone: dict[str, str] = {}
    for stable, boss in people.bosses.items():
        change, link = changes.get(stable), people.links.get(stable)
        wanted = people.refs.get(boss, "")
        had = link.manager if link and (change is None or change.kind is not Kind.CREATE) else ""
        if wanted == had or (not wanted and not plan.complete):
            continue
        if change is not None:
            _change_also(change, had, wanted)
        elif link is not None:
            alone[stable] = wanted
    for stable, change in changes.items():
        if change.link and change.link.manager and stable not in people.bosses and change.kind is not Kind.CREATE:
            _change_also(change, change.link.manager, "")
    links = {stable: people.links[stable] for stable in alone}
    stored = await store.get_many(USER_TYPE.collection, [link.resource for link in links.values()]) if links else {}
    plan.changes += [_of_her_alone(links[stable], wanted, stored) for stable, wanted in alone.items()]


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
