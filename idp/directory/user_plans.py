"""What a change of a user comes to, as a pure function: the document to store, and what else must happen with it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from idp.access import ROLES, Actor, ActorKind, Area, Target, Verb, demand
from idp.audit import Detail, Tag
from idp.clock import Clock, to_text
from idp.directory.documents import changed, created, differing, private_copy, stamped, with_schemas
from idp.directory.model import Document, UserCreate, UserUpdate
from idp.directory.names import check_address, check_name
from idp.directory.ownership import Ownership, new_source
from idp.errors import InvalidValue
from idp.schema import ResourceType
from idp.schema.urns import GATEHOUSE_USER
from idp.store.contract import Record

LOCAL: Final = "local"
# What no caller sets.
_NEVER_NAMED: Final = frozenset({"id", "schemas", "meta"})
MFA_POLICIES: Final = ("off", "optional", "required")


@dataclass(frozen=True, slots=True)
class Plan:
    """A user as it is to be stored. `before` is None for a new one; `document` is None when nothing changes."""

    id: str
    before: Record | None
    document: Document | None
    tag: Tag
    details: Mapping[str, Detail]
    password: str | None = field(default=None, repr=False)

    @property
    def changed(self) -> tuple[str, ...]:
        """The top-level attributes that the plan sets or clears."""
        if self.document is None:
            return ()
        fields = differing(self.before.document, self.document) if self.before else self.document.keys() - _NEVER_NAMED
        return (*sorted(fields), *(() if self.password is None else ("password",)))


class UserPlans:
    """Makes plans from changes; asks who may, checks names, keeps the account's own state."""

    def __init__(self, kind: ResourceType, clock: Clock, ownership: Ownership, *, strict_names: bool) -> None:
        self._kind = kind
        self._ownership = ownership
        self._clock = clock
        self._strict_names = strict_names

    def create(self, actor: Actor, new: UserCreate, id: str) -> Plan:
        """Plan a new user. Raises PermissionDenied, InvalidValue, InvalidSyntax."""
        demand(actor, Verb.CREATE, Area.USERS)
        document = created(self._kind, new.document, id, to_text(self._clock.now()))
        password = self._take_password(actor, document, role=None)
        source = new.source or new_source(actor)
        own: dict[str, str] = {"source": source, "role": role_name(new.role)}
        if new.mfa is not None:
            own["mfa"] = mfa_policy(new.mfa)
        if new.role != "user":
            demand(actor, Verb.ASSIGN, Area.ROLES, Target(id, assigned=new.role))
        document.setdefault("active", True)
        document[GATEHOUSE_USER] = {**document.get(GATEHOUSE_USER, {}), **own}
        if new.reason and not document["active"]:
            document = self._with_status(actor, document, new.reason)
        check_name(document["userName"], strict=self._strict_names or source == LOCAL)
        if source == LOCAL:
            for mail in document.get("emails", ()):
                check_address(mail.get("value", ""))
        details = {"userName": document["userName"], "source": source}
        return Plan(id, None, with_schemas(self._kind, document), Tag.DIRECTORY_USER_CREATED, details, password)

    def update(self, actor: Actor, before: Record, update: UserUpdate) -> Plan:
        """Plan a change of what callers may change.

        Raises PermissionDenied, also as NotOwner, InvalidValue, MutabilityViolated.
        """
        given = before.document if update.shares else private_copy(before.document)
        after = changed(self._kind, before.document, update.change(given))
        # A document that does not speak of `active` leaves it: a PUT must not switch an account on by leaving it out.
        after.setdefault("active", before.document["active"])
        if update.source is not None:
            demand(actor, Verb.UPDATE, Area.DIRECTORIES)
            after = self._of_source(after, update.source)
        role = role_of(before.document)
        password = self._take_password(actor, after, role)
        fields = differing(before.document, after)
        demand(actor, Verb.UPDATE, Area.USERS, Target(before.id, role=role, fields=fields))
        self._ownership.check_change(actor, before.document, after, password=password is not None)
        if "userName" in fields:
            check_name(after["userName"], strict=self._is_strict(actor, before.document))
        tag = Tag.DIRECTORY_USER_UPDATED
        if "active" in fields:
            tag = Tag.DIRECTORY_USER_ENABLED if after["active"] else Tag.DIRECTORY_USER_DISABLED
            after = self._with_status(actor, after, update.reason)
        reason = {"reason": update.reason} if update.reason else {}
        details = {"fields": sorted(fields), **reason}
        return self._finish(before, after if fields or password is not None else None, tag, details, password)

    def set_own(self, before: Record, name: str, value: str | None, tag: Tag) -> Plan:
        """Plan a change of a value in our extension that callers cannot write."""
        own = {key: kept for key, kept in before.document.get(GATEHOUSE_USER, {}).items() if key != name}
        if value is not None:
            own[name] = value
        after = with_schemas(self._kind, {**before.document, GATEHOUSE_USER: own})
        return self._finish(before, after if differing(before.document, after) else None, tag, {name: value})

    def _finish(
        self,
        before: Record,
        after: Document | None,
        tag: Tag,
        details: Mapping[str, Detail],
        password: str | None = None,
    ) -> Plan:
        if after is None:
            return Plan(before.id, before, None, tag, details)
        details = {"userName": after["userName"], **details, **({} if password is None else {"password": True})}
        return Plan(before.id, before, stamped(after, to_text(self._clock.now())), tag, details, password)

    def _take_password(self, actor: Actor, document: Document, role: str | None) -> str | None:
        password: str | None = document.pop("password", None)
        if password is not None:
            # Without an id: people change their own password where the old one is asked for, not here.
            demand(actor, Verb.SET_PASSWORD, Area.USERS, Target("", role=role))
        return password

    def _of_source(self, document: Document, source: str) -> Document:
        own = {**document.get(GATEHOUSE_USER, {}), "source": source}
        return with_schemas(self._kind, {**document, GATEHOUSE_USER: own})

    def _is_strict(self, actor: Actor, document: Mapping[str, Any]) -> bool:
        local = document.get(GATEHOUSE_USER, {}).get("source") == LOCAL
        return self._strict_names or (local and actor.kind is not ActorKind.CLIENT)

    def _with_status(self, actor: Actor, document: Document, reason: str) -> Document:
        status = {
            "reason": reason or ("enabled" if document["active"] else "disabled"),
            "since": to_text(self._clock.now()),
            "by": actor.label,
        }
        own = {**document.get(GATEHOUSE_USER, {}), "status": status}
        return with_schemas(self._kind, {**document, GATEHOUSE_USER: own})


def role_of(document: Mapping[str, Any]) -> str:
    """Return the role that a user has."""
    return str(document.get(GATEHOUSE_USER, {}).get("role", "user"))


def role_name(name: str) -> str:
    if name not in ROLES:
        raise InvalidValue("role", f"{name!r} is none of {', '.join(ROLES)}")
    return name


def mfa_policy(policy: str) -> str:
    if policy not in MFA_POLICIES:
        raise InvalidValue("mfa", f"{policy!r} is none of {', '.join(MFA_POLICIES)}")
    return policy
