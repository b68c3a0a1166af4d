"""Who gets a role, or loses it, because of a group of the directory; once it is planned who is in which group."""

from collections.abc import Iterable
from typing import Final

from idp.access import ROLES
from idp.directory import role_of
from idp.directory.edges import Edges
from idp.query import And, Compare, In, Op, Query
from idp.schema import USER as USER_TYPE
from idp.schema.urns import GATEHOUSE_USER
from idp.store.contract import Record, Store
from ldap_bridge.intake import Intake
from ldap_bridge.links import Links
from ldap_bridge.plan import GROUP, USER, Change, FieldChange, Kind, Plan, dotted
from ldap_bridge.settings import Source

_SOURCE: Final = USER_TYPE.resolve(f"{GATEHOUSE_USER}:source").field
_ROLE: Final = USER_TYPE.resolve(f"{GATEHOUSE_USER}:role").field
_PATH: Final = dotted((GATEHOUSE_USER, "role"))
_NO_ROLE: Final = "user"
_PAGE: Final = 500


async def plan_roles(plan: Plan, store: Store, source: Source, groups: Intake) -> None:
    """Add to the plan whose role becomes another. After an incomplete read nobody loses one."""
    wanted: dict[str, str] = {}
    for role in sorted(source.roles, key=lambda name: ROLES[name].rank):
        ids = await _groups(store, source, groups, role)
        wanted |= dict.fromkeys(await _people_in(plan, store, ids), role)
    new = {change.resource: change for change in plan.changes if change.kind is Kind.CREATE and change.subject == USER}
    holders = await _holders(store, source) if plan.complete else {}
    purged = {change.resource for change in plan.changes if change.kind is Kind.PURGE}
    people = holders | await store.get_many(USER_TYPE.collection, [account for account in wanted if account not in new])
    dns = {link.resource: link.dn for link in await Links(store, source.name).of_resources(people)}
    for account, record in people.items():
        before, after = role_of(record.document), wanted.get(account, _NO_ROLE)
        is_given_here = before not in source.roles and ROLES[before].rank > ROLES[after].rank
        if account in dns and account not in purged and before != after and not is_given_here:
            plan.changes.append(_change(account, str(record.document["userName"]), dns[account], before, after))
    for account, change in new.items():
        if account in wanted:
            plan.changes.append(_change(account, change.name, change.dn, _NO_ROLE, wanted[account]))


def _change(account: str, name: str, dn: str, before: str, after: str) -> Change:
    reason = "by a group of the directory" if after != _NO_ROLE else "in no group of the directory that gives it"
    return Change(Kind.ROLE, USER, name, dn, account, (FieldChange(_PATH, before, after),), reason=reason)


async def _groups(store: Store, source: Source, groups: Intake, role: str) -> set[str]:
    """Return the ids of the groups that give a role."""
    known = {
        link.dn_key: link.resource
        for link in await Links(store, source.name).of_refs(source.roles[role])
        if link.kind == GROUP and link.stable not in groups.links
    }
    # A group that was looked at may have another name than its link knows.
    return {group for ref in source.roles[role] if (group := groups.refs.get(ref) or known.get(ref))}


async def _people_in(plan: Plan, store: Store, start: Iterable[str]) -> set[str]:
    """Return everybody who will be in these groups, or in groups in them; loops end."""
    planned = {change.group: change for change in plan.memberships}
    removed = {change.resource for change in plan.changes if change.kind is Kind.REMOVE}
    people, seen, waiting = set[str](), set[str](), set(start) - removed
    while waiting:
        seen |= waiting
        found = {(edge["group"], edge["member"]): edge["type"] for edge in await Edges(store).of_groups(waiting)}
        for group in waiting & planned.keys():
            change = planned[group]
            found |= {(group, one): "Group" if one in change.groups else "User" for one in change.added}
            for one in change.removed:
                found.pop((group, one), None)
        people |= {member for (_, member), kind in found.items() if kind != "Group"}
        waiting = {member for (_, member), kind in found.items() if kind == "Group"} - seen - removed
    return people


async def _holders(store: Store, source: Source) -> dict[str, Record]:
    """Return the source's people who have one of the roles that it gives."""
    where = And((Compare(_SOURCE, Op.EQ, source.key), In(_ROLE, tuple(source.roles))))
    found: dict[str, Record] = {}
    after: str | None = None
    while True:
        records = (await store.find(USER_TYPE.collection, Query(where, limit=_PAGE, after=after, total=False))).records
        found |= {record.id: record for record in records}
        if len(records) < _PAGE:
            return found
        after = records[-1].id
