"""Names that already mean somebody else: what a login form, an operator or a mailed link would take for them."""

import asyncio
import re
from collections.abc import Collection, Mapping
from typing import Any, Final

from idp.access import ADMINISTRATIVE, Actor, ActorKind
from idp.directory.user_plans import Plan, role_of
from idp.errors import NotUnique
from idp.query import And, Field, In, Query, fold, values_at
from idp.schema import USER
from idp.schema.urns import GATEHOUSE_USER
from idp.store.contract import Record, Store

_NAME: Final = USER.resolve("userName").field
_ADDRESS: Final = USER.resolve("emails.value").field
_IS_PROTECTED: Final = In(USER.resolve(f"{GATEHOUSE_USER}:role").field, ADMINISTRATIVE)
FEW: Final = 16
_ADMINISTRATORS: Final = Query(_IS_PROTECTED, limit=FEW + 1, total=False)
# As ids are made; no other text can be the id of an account.
_ID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class Namesakes:
    """Keeps accounts from taking each other's names in ways that uniqueness of `userName` does not see.

    A login name is never another account's id. A provisioning client, which manages no administrators, gives nobody
    a login name or an address by which an administrator is known: logins and links would go astray.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    async def refuse(self, actor: Actor, plan: Plan) -> None:
        """Do nothing if the names that the plan adds are free. Raises NotUnique on `userName` or `emails`.

        Reads nothing when no name is added; otherwise mostly once for a client, and not at all for others.
        """
        after, before = plan.document or {}, plan.before.document if plan.before else {}
        if after.get("userName") == before.get("userName") and after.get("emails") == before.get("emails"):
            return
        by_client = actor.kind is ActorKind.CLIENT
        name = _name(after) - _name(before)
        addresses = _values(_ADDRESS, after) - _values(_ADDRESS, before) if by_client else set()
        await self._refuse_ids(plan.id, name, addresses)
        if by_client and (name or addresses):
            # The store itself sees that nobody else has the new login name; asking for it would be a read in vain.
            await self._refuse_protected(plan.id, name, addresses, addresses - _name(after))

    async def _refuse_ids(self, own: str, name: set[str], addresses: set[str]) -> None:
        wanted = [value for value in name | addresses if value != own and _ID.fullmatch(value)]
        if not wanted:
            return
        for record in (await self._store.get_many(USER.collection, wanted)).values():
            if record.id in name:
                raise NotUnique(USER.collection, "userName")
            if role_of(record.document) in ADMINISTRATIVE:
                raise NotUnique(USER.collection, "emails")

    async def _refuse_protected(self, own: str, name: set[str], addresses: set[str], others: set[str]) -> None:
        found = (await self._store.find(USER.collection, _ADMINISTRATORS)).records
        if len(found) <= FEW:
            # Looking through them is cheaper than two searches by what they may be known by.
            for record in found:
                _refuse_namesake(record, own, name, addresses, others)
            return
        await asyncio.gather(
            self._refuse_known(own, _ADDRESS, name | addresses, name), self._refuse_known(own, _NAME, others)
        )

    async def _refuse_known(
        self, own: str, field: Field, values: set[str], name: Collection[str] = frozenset()
    ) -> None:
        if not values:
            return
        query = Query(And((In(field, tuple(sorted(values))), _IS_PROTECTED)), limit=2, total=False)
        for record in (await self._store.find(USER.collection, query)).records:
            if record.id != own:
                means_name = not _values(field, record.document).isdisjoint(name)
                raise NotUnique(USER.collection, "userName" if means_name else "emails")


def _refuse_namesake(record: Record, own: str, name: set[str], addresses: set[str], others: set[str]) -> None:
    known = _values(_ADDRESS, record.document)
    if record.id == own:
        return
    if not known.isdisjoint(name):
        raise NotUnique(USER.collection, "userName")
    if not (known.isdisjoint(addresses) and _name(record.document).isdisjoint(others)):
        raise NotUnique(USER.collection, "emails")


def _name(document: Mapping[str, Any]) -> set[str]:
    name = document.get("userName")
    return {fold(name)} if isinstance(name, str) else set()


def _values(field: Field, document: Mapping[str, Any]) -> set[str]:
    return {fold(value) for value in values_at(document, field.path) if isinstance(value, str)}
