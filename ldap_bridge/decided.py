"""What was decided about entries that want what others have, brought to bear on a read; and who shares an address."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import msgspec

from idp.query import In, Query, fold
from idp.schema import USER as USER_TYPE
from idp.schema.urns import GATEHOUSE_USER
from idp.store.contract import Store
from ldap_bridge.conflicts import Choice, Decisions
from ldap_bridge.mapping import Found
from ldap_bridge.plan import USER, Change, FieldChange, Kind, Plan

_ADDRESS: Final = USER_TYPE.resolve("emails.value").field
_encode: Final = msgspec.json.Encoder().encode


class _Mail(msgspec.Struct):
    value: str = ""


class _Mails(msgspec.Struct):
    emails: list[_Mail] = []


_mails: Final = msgspec.json.Decoder(_Mails).decode


class Decided:
    """The decisions about one source."""

    def __init__(self, key: str, decisions: Decisions, store: Store) -> None:
        self._key = key
        self._decisions = decisions
        self._store = store

    def admitted(self, found: Sequence[Found], plan: Plan) -> list[Found]:
        """Return new people as they are to be called, without those who are skipped."""
        if not self._decisions:
            return list(found)
        skipped = [one for one in found if self._choice(one) == Choice.SKIP]
        plan.skipped += skipped
        return [self.renamed(one) for one in found if self._choice(one) != Choice.SKIP]

    def renamed(self, found: Found) -> Found:
        """Return somebody under the login that was chosen here, if one was."""
        decision = self._decisions.get(found.stable)
        if decision is None or decision.choice != Choice.RENAME or not decision.name:
            return found
        document = {**found.document(), "userName": decision.name}
        return replace(found, name=decision.name, alias=found.name, encoded=_encode(document))

    def told(self, change: Change) -> Change:
        """Return the first change of somebody whose entry was linked to an account as what it is."""
        decision = self._decisions.get(change.found.stable) if change.found else None
        if decision is not None and decision.choice == Choice.LINK and change.active is None:
            change.kind, change.reason = Kind.RELINK, f"linked by {decision.decided_by}"
        return change

    async def sharing(self, found: Sequence[Found]) -> dict[str, Change]:
        """Return the conflicts of new people with accounts of other origin that have their addresses, by stable id."""
        wanted: dict[str, Found] = {}
        for one in found:
            if self._choice(one) != Choice.RENAME:
                wanted |= {fold(mail.value): one for mail in _mails(one.encoded).emails}
        if not wanted:
            return {}
        query = Query(In(_ADDRESS, tuple(wanted)), limit=2 * len(wanted), total=False)
        conflicts: dict[str, Change] = {}
        for record in (await self._store.find(USER_TYPE.collection, query)).records:
            if record.document.get(GATEHOUSE_USER, {}).get("source") == self._key:
                continue
            for mail in record.document.get("emails", ()):
                if new := wanted.get(fold(str(mail.get("value", "")))):
                    conflicts.setdefault(new.stable, _conflict(new, str(mail["value"]), record.id))
        return conflicts

    def _choice(self, found: Found) -> str:
        decision = self._decisions.get(found.stable)
        return decision.choice if decision else ""


def _conflict(found: Found, mail: str, holder: str) -> Change:
    reason = f"the address {mail!r} belongs to another account"
    field = FieldChange("emails.value", None, mail)
    return Change(Kind.CONFLICT, USER, found.name, found.dn, holder, (field,), reason=reason, found=found)
