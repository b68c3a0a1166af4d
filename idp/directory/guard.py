"""The last root: somebody must be left who can do everything."""

from collections.abc import Mapping
from typing import Any, Final

from idp.access import Area, Verb
from idp.errors import CallerError, PermissionDenied
from idp.query import And, Compare, Op, Query
from idp.schema import USER
from idp.schema.urns import GATEHOUSE_USER
from idp.store.contract import Check, Record, Store

_ROOTS: Final = Query(
    And(
        (
            Compare(USER.resolve(f"{GATEHOUSE_USER}:role").field, Op.EQ, "root"),
            Compare(USER.resolve("active").field, Op.EQ, True),
        )
    ),
    limit=2,
    total=False,
)


class LastRoot(PermissionDenied):
    """The change would leave no active user with the role root."""

    def __init__(self) -> None:
        CallerError.__init__(self, "the last active root user cannot be deleted, disabled or given another role")
        self.verb = Verb.UPDATE.value
        self.area = Area.ROLES.value


def is_active_root(document: Mapping[str, Any] | None) -> bool:
    """Tell whether this is a user who may log in and do everything."""
    if document is None or document.get("active") is not True:
        return False
    return bool(document.get(GATEHOUSE_USER, {}).get("role") == "root")


async def another_root(store: Store, leaving: Record) -> Check:
    """Return a check that another active root stays as it is while this one leaves; two cannot leave at once.

    Raises LastRoot when there is no other.
    """
    page = await store.find(USER.collection, _ROOTS)
    for record in page.records:
        if record.id != leaving.id:
            return Check(USER.collection, record.id, record.version)
    raise LastRoot
