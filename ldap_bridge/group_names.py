"""Groups whose names others have, where names of groups are unique: who gets one, and what becomes a conflict."""

from collections import defaultdict, deque
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Final

from idp.query import In, Query, fold
from idp.schema import ResourceType, Uniqueness
from idp.store.contract import Store
from ldap_bridge.intake import Intake
from ldap_bridge.parts import parts
from ldap_bridge.plan import GROUP, NAMES, Change, Kind, Plan, conflict

_NAME: Final = NAMES[GROUP]
_TOGETHER: Final = 500


async def settle_names(plan: Plan, groups: Intake, kind: ResourceType, store: Store) -> None:
    """Let groups take names that are free or become so with this run; turn other such changes into conflicts."""
    if kind.resolve(_NAME).attribute.uniqueness is Uniqueness.NONE:
        return
    wanting = [change for change in plan.changes if _takes_a_name(change)]
    if not wanting:
        return
    holders = await _holders(wanting, kind, store)
    gone = {link.resource for link in groups.unseen()} if plan.complete else set[str]()
    refused = dict(_refused(wanting, holders, gone))
    for place, change in enumerate(plan.changes):
        if (instead := refused.get(change.resource)) and change.subject == GROUP and change.found:
            if change.kind is Kind.CREATE:
                groups.forget(change.found, change.resource)
            plan.changes[place] = instead


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
    """Yield the conflicts by group; the others are written after whom they take their names from.

    In circles nobody gets a name, because each group is a commit of its own.
    """
    ready, waiting = deque[Change](), defaultdict[str, list[Change]](list)
    for change in wanting:
        holder = holders.get(fold(change.name), "")
        if holder in gone:
            change.takes_from = holder
        if not holder or holder == change.resource or holder in gone:
            ready.append(change)
        else:
            waiting[holder].append(change)
    given: dict[str, Change] = {}
    while ready:
        change = ready.popleft()
        first = given.setdefault(fold(change.name), change)
        if first is not change:
            yield change.resource, _conflict(change, "", f"is also that of {first.dn!r}")
            continue
        for taker in waiting.pop(change.resource, ()):
            taker.takes_from = change.resource
            ready.append(taker)
    for holder, takers in waiting.items():
        for change in takers:
            yield change.resource, _conflict(change, holder, "belongs to another group")


def _conflict(change: Change, holder: str, why: str) -> Change:
    assert change.found is not None  # noqa: S101 (only groups that were read take names)
    refused = conflict(GROUP, change.found, holder, "name", f"the name {change.name!r} {why}")
    refused.link = change.link
    return refused
