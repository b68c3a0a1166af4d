"""What was decided about entries that want what others have, brought to bear on a read; and who shares an address."""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec
from msgspec.structs import replace

from idp.query import And, Compare, In, Not, Op, fold
from idp.schema import USER as USER_TYPE
from idp.schema.urns import GATEHOUSE_USER
from idp.store.contract import Store
from idp.store.pages import every
from ldap_bridge.conflicts import Choice, Decisions
from ldap_bridge.mapping import Found
from ldap_bridge.plan import NAMES, USER, Change, FieldChange, Kind, Plan, conflict
from ldap_bridge.rules import Document

_ADDRESS: Final = USER_TYPE.resolve("emails.value").field
_SOURCE: Final = USER_TYPE.resolve(f"{GATEHOUSE_USER}:source").field
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

    def admitted(self, subject: str, found: Sequence[Found], plan: Plan) -> list[Found]:
        """Return new people, or groups, as they are to be called, without those that are skipped."""
        if not self._decisions:
            return list(found)
        plan.skipped += [(subject, one.stable) for one in found if self._choice(subject, one.stable) == Choice.SKIP]
        return [self.renamed(subject, one) for one in found if self._choice(subject, one.stable) != Choice.SKIP]

    def skip(self, plan: Plan) -> None:
        """Take the conflicts out of a plan that shall be left as they are."""
        if not self._decisions:
            return

        def kept(change: Change) -> Change | None:
            if self._choice(change.subject, change.stable) != Choice.SKIP:
                return change
            plan.skipped.append((change.subject, change.stable))
            return None

        plan.changes.revise_of(kept, Kind.CONFLICT)

    def renamed(self, subject: str, found: Found) -> Found:
        """Return an entry under the name that was chosen here, if one was."""
        decision = self._decisions.get((subject, found.stable))
        if decision is None or decision.choice != Choice.RENAME or not decision.name:
            return found
        document = {**found.document(), NAMES[subject]: decision.name}
        return replace(found, name=decision.name, alias=found.name, encoded=_encode(document))

    def told(self, change: Change) -> Change:
        """Return the first change of somebody whose entry was linked to an account as what it is."""
        decision = self._decisions.get((change.subject, change.stable))
        if decision is not None and decision.choice == Choice.LINK and change.active is None:
            change.kind, change.reason = Kind.RELINK, f"linked by {decision.decided_by}"
        return change

    async def sharing(self, found: Sequence[Found], present: Mapping[str, Document] | None = None) -> dict[str, Change]:
        """Return the conflicts with accounts of other origin that have the addresses of these people, by stable id.

        Addresses that people have here already, by `present` (their documents by stable id), are no news.
        """
        wanted: dict[str, Found] = {}
        for one in found:
            if self._choice(USER, one.stable) != Choice.RENAME:
                mails = {fold(mail.value) for mail in _mails(one.encoded).emails}
                mails -= _addresses(present[one.stable]) if present and one.stable in present else set()
                wanted |= dict.fromkeys(mails, one)
        if not wanted:
            return {}
        of_others = And((In(_ADDRESS, tuple(wanted)), Not(Compare(_SOURCE, Op.EQ, self._key))))
        conflicts: dict[str, Change] = {}
        async for record in every(self._store, USER_TYPE.collection, of_others):
            for mail in record.document.get("emails", ()):
                if new := wanted.get(fold(str(mail.get("value", "")))):
                    conflicts.setdefault(new.stable, _conflict(new, str(mail["value"]), record.id))
        return conflicts

    def _choice(self, subject: str, stable: str) -> str:
        decision = self._decisions.get((subject, stable))
        return decision.choice if decision else ""


def _conflict(found: Found, mail: str, holder: str) -> Change:
    change = conflict(USER, found, holder, "mail", f"the address {mail!r} belongs to another account")
    change.fields = (FieldChange("emails.value", None, mail),)
    return change


def _addresses(document: Document) -> set[str]:
    return {fold(str(mail.get("value", ""))) for mail in document.get("emails", ())}
