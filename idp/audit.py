"""What happened: enumerated tags, and one event per change, written in the same commit as the change."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from enum import StrEnum
from itertools import count
from typing import Final
from zlib import crc32

from idp.access import Actor, Area, Verb, demand
from idp.clock import Clock, to_text
from idp.query import Field, Kind, Query, Sort
from idp.store.contract import Insert, Page, Store

COLLECTION: Final = "audit"
_counter: Final = count()
Detail = str | int | float | bool | None | Sequence[str]


class Tag(StrEnum):
    """Every kind of event: source, subject, action."""

    DIRECTORY_USER_CREATED = "directory:user:created"
    DIRECTORY_USER_UPDATED = "directory:user:updated"
    DIRECTORY_USER_ENABLED = "directory:user:enabled"
    DIRECTORY_USER_DISABLED = "directory:user:disabled"
    DIRECTORY_USER_CONVERTED = "directory:user:converted"
    DIRECTORY_USER_DELETED = "directory:user:deleted"
    DIRECTORY_USER_ROLE_ASSIGNED = "directory:user:role-assigned"
    DIRECTORY_USER_MFA_POLICY_SET = "directory:user:mfa-policy-set"
    DIRECTORY_GROUP_CREATED = "directory:group:created"
    DIRECTORY_GROUP_UPDATED = "directory:group:updated"
    DIRECTORY_GROUP_DELETED = "directory:group:deleted"
    DIRECTORY_RESOURCE_CREATED = "directory:resource:created"
    DIRECTORY_RESOURCE_UPDATED = "directory:resource:updated"
    DIRECTORY_RESOURCE_DELETED = "directory:resource:deleted"
    LDAP_RUN_PLANNED = "ldap:run:planned"
    LDAP_RUN_APPLIED = "ldap:run:applied"
    LDAP_RUN_HELD = "ldap:run:held"
    LDAP_RUN_FAILED = "ldap:run:failed"
    LDAP_RUN_APPROVED = "ldap:run:approved"
    LDAP_RUN_REJECTED = "ldap:run:rejected"
    LDAP_CONFLICT_RESOLVED = "ldap:conflict:resolved"
    AUTH_LOGIN_SUCCEEDED = "auth:login:succeeded"
    AUTH_LOGIN_FAILED = "auth:login:failed"
    AUTH_FACTOR_FAILED = "auth:factor:failed"
    AUTH_FACTOR_ENROLLED = "auth:factor:enrolled"
    AUTH_FACTOR_REMOVED = "auth:factor:removed"
    AUTH_FACTOR_RESET = "auth:factor:reset"
    AUTH_CODE_MAILED = "auth:code:mailed"
    AUTH_RECOVERY_USED = "auth:recovery:used"
    AUTH_RECOVERY_RENEWED = "auth:recovery:renewed"
    AUTH_LIMIT_REACHED = "auth:limit:reached"
    AUTH_SESSION_ENDED = "auth:session:ended"
    AUTH_SESSIONS_ENDED = "auth:sessions:ended"
    AUTH_PASSWORD_SET = "auth:password:set"  # noqa: S105 -- a tag, not a secret
    AUTH_PASSWORD_CHANGED = "auth:password:changed"  # noqa: S105 -- a tag, not a secret
    AUTH_PASSWORD_CACHED = "auth:password:cached"  # noqa: S105 -- a tag, not a secret
    AUTH_PASSWORD_FAILED = "auth:password:failed"  # noqa: S105 -- a tag, not a secret
    AUTH_RESET_REQUESTED = "auth:reset:requested"
    AUTH_RESET_USED = "auth:reset:used"
    AUTH_CLIENT_CREATED = "auth:client:created"
    AUTH_CLIENT_UPDATED = "auth:client:updated"
    AUTH_CLIENT_DELETED = "auth:client:deleted"
    AUTH_TOKEN_ISSUED = "auth:token:issued"  # noqa: S105 -- a tag, not a secret
    AUTH_TOKEN_ROTATED = "auth:token:rotated"  # noqa: S105 -- a tag, not a secret
    AUTH_TOKEN_REVOKED = "auth:token:revoked"  # noqa: S105 -- a tag, not a secret
    AUTH_SETUP_LINK_ISSUED = "auth:setup:link-issued"
    AUTH_SETUP_COMPLETED = "auth:setup:completed"


def event(tag: Tag, actor: Actor, target: str, clock: Clock, details: Mapping[str, Detail] | None = None) -> Insert:
    """Return the write that records an event; it belongs into the commit of the change it tells of.

    Details never hold a secret: names, ids, counts and reasons only.
    """
    now = clock.now()
    document: dict[str, object] = {
        "id": _id(now, target),
        "at": to_text(now),
        "tag": tag.value,
        "actor": actor.id,
        "actorKind": actor.kind.value,
        "actorName": actor.name,
        "target": target,
    }
    if actor.address:
        document["address"] = actor.address
    if details:
        document["details"] = dict(details)
    return Insert(COLLECTION, document)


def _id(now: datetime, target: str) -> str:
    """Return an id in the order of time, so that reading on after an id is reading on in time.

    Within a process the counter tells events apart; between processes and machines, that one target has one thing
    happen to it at a time.
    """
    moment = int(now.timestamp() * 1_000_000)
    return f"{moment:016x}-{next(_counter):08x}-{os.getpid():x}-{crc32(target.encode('utf-8', 'replace')):08x}"


class AuditLog:
    """Reads the events."""

    NEWEST_FIRST: Final = Sort(Field(("at",), Kind.DATETIME), descending=True)

    def __init__(self, store: Store) -> None:
        self._store = store

    async def find(self, actor: Actor, query: Query) -> Page:
        """Return matching events, the newest first unless the query says otherwise."""
        demand(actor, Verb.READ, Area.AUDIT)
        if query.sort is None and query.after is None:
            query = replace(query, sort=self.NEWEST_FIRST)
        return await self._store.find(COLLECTION, query)
