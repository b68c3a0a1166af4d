"""Who gets a role, or loses it, because of a group of the directory; once it is planned who is in which group."""

from collections.abc import Container, Iterable
from typing import Final

from idp.access import ROLES
from idp.directory import role_of
from idp.query import And, Compare, In, Op
from idp.schema import USER as USER_TYPE
from idp.schema.urns import GATEHOUSE_USER
from idp.store.contract import Record, Store
from idp.store.pages import every
from ldap_bridge.dn import key_or_text
from ldap_bridge.links import Links
from ldap_bridge.mapping import Problem
from ldap_bridge.plan import GROUP, USER, Change, FieldChange, Kind, Plan, dotted
from ldap_bridge.planned_members import Wanted
from ldap_bridge.settings import Source

_SOURCE: Final = USER_TYPE.resolve(f"{GATEHOUSE_USER}:source").field
_ROLE: Final = USER_TYPE.resolve(f"{GATEHOUSE_USER}:role").field
_PATH: Final = dotted((GATEHOUSE_USER, "role"))
_NO_ROLE: Final = "user"


async def plan_roles(plan: Plan, store: Store, source: Source, said: Wanted) -> None:
    """Add to the plan whose role becomes another.

    By what the directory says of its groups, not by who is in them here: whoever may change groups may not give roles.
    After an incomplete read, or where a group could not be read, nobody loses one.
    """
    wanted: dict[str, str] = {}
    may_take = said.may_remove
    for role in sorted(source.roles, key=lambda name: ROLES[name].rank):
        people_in, is_all = said.people_in(source.roles[role])
        wanted |= dict.fromkeys(people_in, role)
        may_take = may_take and is_all
    created = plan.changes.of(Kind.CREATE, subject=USER) if wanted else ()
    new = {change.resource: change for change in created if change.resource in wanted}
    holders = await _holders(store, source) if may_take else {}
    purged = {change.resource for change in plan.changes.of(Kind.PURGE)}
    people = holders | await store.get_many(USER_TYPE.collection, [account for account in wanted if account not in new])
    dns = {link.resource: link.dn for link in await Links(store, source.name).of_resources(people)}
    for account, record in people.items():
        before, after = role_of(record.document), wanted.get(account, _NO_ROLE)
        stays = ROLES[before].rank >= ROLES[after].rank and (before not in source.roles or not may_take)
        if account in dns and account not in purged and before != after and not stays:
            plan.changes.append(_change(account, str(record.document["userName"]), dns[account], before, after))
    for account, change in new.items():
        plan.changes.append(_change(account, change.name, change.dn, _NO_ROLE, wanted[account]))


def missing_groups(source: Source, read: Container[str], problems: Iterable[Problem]) -> list[Problem]:
    """Return the groups that are to give roles and are not among those that were read, both by DN key.

    What there are problems with already is not named again.
    """
    named = {key_or_text(problem.dn) for problem in problems}
    return [
        Problem(ref, f"no such group was read; it gives the role {role} (ldap.{source.name}.roles)", subject=GROUP)
        for role, refs in source.roles.items()
        for ref in refs
        if ref not in read and ref not in named
    ]


def _change(account: str, name: str, dn: str, before: str, after: str) -> Change:
    reason = "by a group of the directory" if after != _NO_ROLE else "in no group of the directory that gives it"
    return Change(Kind.ROLE, USER, name, dn, account, (FieldChange(_PATH, before, after),), reason=reason)


async def _holders(store: Store, source: Source) -> dict[str, Record]:
    """Return the source's people who have one of the roles that it gives."""
    where = And((Compare(_SOURCE, Op.EQ, source.key), In(_ROLE, tuple(source.roles))))
    return {record.id: record async for record in every(store, USER_TYPE.collection, where)}
