"""The last who can do everything: no directory switches that account off, or gets hold of it unasked."""

from typing import Final

from idp.directory.guard import is_active_root
from idp.directory.ownership import source_of
from idp.query import And, Compare, Not, Op, Query
from idp.schema import USER as USER_TYPE
from idp.schema.urns import GATEHOUSE_USER
from idp.store.contract import Store
from ldap_bridge.plan import USER, Change, Kind, Plan
from ldap_bridge.rules import Document

LAST_OWN_ROOT: Final = "the last active root administrator who belongs to no directory,"
INSTEAD: Final = "make another one first, or say that you mean it (--force)"
_IS_ROOT: Final = Compare(USER_TYPE.resolve(f"{GATEHOUSE_USER}:role").field, Op.EQ, "root")
_ACTIVE: Final = Compare(USER_TYPE.resolve("active").field, Op.EQ, True)
_OF_DIRECTORY: Final = Compare(USER_TYPE.resolve(f"{GATEHOUSE_USER}:source").field, Op.SW, "ldap:")
# Where there are more, no run of a directory reaches them all unseen.
_MOST: Final = 100
_ROOTS: Final = Query(And((_IS_ROOT, _ACTIVE)), limit=_MOST, total=False)
_OWN_ROOTS: Final = Query(And((_IS_ROOT, _ACTIVE, Not(_OF_DIRECTORY))), limit=2, total=False)


async def last_root(plan: Plan, store: Store) -> Change | None:
    """Return the change that has to be left out so that an active root is left; of several the one planned last."""
    if not plan.changes.number_of(Kind.DISABLE, subject=USER):
        return None
    roots = {record.id for record in (await store.find(USER_TYPE.collection, _ROOTS)).records}
    disabling = [change for change in plan.changes.of(Kind.DISABLE, subject=USER) if change.resource in roots]
    return disabling[-1] if roots and roots == {change.resource for change in disabling} else None


def spared_conflict(change: Change) -> Change:
    """Return what stands in the plan in place of a change that would leave no active root."""
    reason = f"the last active root administrator would be disabled ({change.reason}); make another one first"
    spared = Change(Kind.CONFLICT, USER, change.name, change.dn, change.resource, reason=reason, about="root")
    spared.found, spared.link = change.found, change.link
    return spared


async def is_last_own_root(store: Store, document: Document) -> bool:
    """Tell whether an account is the last active root that belongs to no directory."""
    if not is_active_root(document) or source_of(document).startswith("ldap:"):
        return False
    own = (await store.find(USER_TYPE.collection, _OWN_ROOTS)).records
    return [root.id for root in own] == [document["id"]]
