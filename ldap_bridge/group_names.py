"""Groups whose names others have, where names of groups are unique: who gets one, and what becomes a conflict."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from idp.query import In, Query, fold
from idp.schema import ResourceType, Uniqueness
from idp.store.contract import Store
from ldap_bridge.intake import Intake
from ldap_bridge.logins import granted
from ldap_bridge.parts import parts
from ldap_bridge.plan import GROUP, NAMES, Change, Kind, Plan, conflict

_NAME: Final = NAMES[GROUP]
_TOGETHER: Final = 500


async def settle_names(plan: Plan, groups: Intake, kind: ResourceType, store: Store) -> None:
    """Let groups take names that are free or become so with this run; turn other such changes into conflicts."""
    if kind.resolve(_NAME).attribute.uniqueness is Uniqueness.NONE:
        return
    wanting = [change for change in plan.changes.of(subject=GROUP) if _takes_a_name(change)]
    if not wanting:
        return
    holders = await _holders(wanting, kind, store)
    gone = {link.resource for link in groups.unseen()} if plan.complete else set[str]()
    refused = dict(_refused(wanting, holders, gone))

    def settled(change: Change) -> Change:
        instead = refused.get(change.resource)
        if instead is None or change.found is None:
            return change
        if change.kind is Kind.CREATE:
            groups.forget(change.found, change.resource)
        return instead

    if refused:
        plan.changes.revise_of(settled, subject=GROUP)


def _takes_a_name(change: Change) -> bool:
    if change.subject != GROUP or change.found is None:
        return False
    if change.kind is Kind.CREATE:
        return True
    return any(field.path == _NAME and fold(str(field.old)) != fold(str(field.new)) for field in change.fields)


async def _holders(wanting: Sequence[Change], kind: ResourceType, store: Store) -> dict[str, str]:
    """Return which group has which of the names now."""
    names, found = [change.name for change in wanting], dict[str, str]()
    field = kind.resolve(_NAME).field
    for some in parts(names, _TOGETHER):
        query = Query(In(field, tuple(some)), limit=len(some), total=False)
        for record in (await store.find(kind.collection, query)).records:
            found[fold(str(record.document[_NAME]))] = record.id
    return found


def _refused(
    wanting: Sequence[Change], holders: Mapping[str, str], gone: Collection[str]
) -> Iterator[tuple[str, Change]]:
    """Yield the conflicts by group; the others are to be written with whom they take their names from, or after."""
    wishes = [_Wish(change, holders.get(fold(change.name), "")) for change in wanting]
    given: dict[str, Change] = {}
    for wish in wishes:
        if not wish.holder:
            given.setdefault(fold(wish.change.name), wish.change)
    leaving = {change.resource for change in given.values() if change.kind is not Kind.CREATE}
    for wish in granted([wish for wish in wishes if wish.holder], leaving, gone):
        wish.change.takes_from = wish.holder
        given.setdefault(fold(wish.change.name), wish.change)
    for wish in wishes:
        first = given.get(fold(wish.change.name))
        if first is None:
            yield wish.change.resource, _conflict(wish.change, wish.holder, "belongs to another group")
        elif first is not wish.change:
            yield wish.change.resource, _conflict(wish.change, "", f"is also that of {first.dn!r}")


@dataclass(frozen=True, slots=True)
class _Wish:
    """A change by which a group wants a name that the `holder` has now, "" when nobody has."""

    change: Change
    holder: str

    @property
    def name(self) -> str:
        return self.change.name

    @property
    def own(self) -> str:
        return "" if self.change.kind is Kind.CREATE else self.change.resource


def _conflict(change: Change, holder: str, why: str) -> Change:
    assert change.found is not None  # noqa: S101 (only groups that were read take names)
    refused = conflict(GROUP, change.found, holder, "name", f"the name {change.name!r} {why}")
    refused.link = change.link
    return refused


def in_turns(changes: Sequence[Change]) -> list[list[Change]]:
    """Cut changes of groups that take names into what is written at once: each by itself, but circles together."""
    by_resource = {change.resource: change for change in changes}
    turns: list[list[Change]] = []
    done: set[str] = set()
    for change in changes:
        if change.resource in done:
            continue
        chain, giver = [change], by_resource.get(change.takes_from)
        while giver is not None and giver is not change:
            chain.append(giver)
            giver = by_resource.get(giver.takes_from)
        turn = chain if giver is change else [change]
        done.update(one.resource for one in turn)
        turns.append(turn)
    return turns
