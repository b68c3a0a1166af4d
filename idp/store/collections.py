"""The one table of what is stored: every collection with its indexes, unique fields and expiry."""

from collections.abc import Mapping
from typing import Final

from idp.query import Field, Kind
from idp.schema import GROUP, USER, Registry, ResourceType, Uniqueness
from idp.store.contract import Collection
from idp.store.narrow import ID

_EXPIRES: Final = "expires"


def collections(registry: Registry | None = None) -> Mapping[str, Collection]:
    """Return every collection by name; those of resource types are read off their schemas."""
    kinds = registry.resource_types.values() if registry else (USER, GROUP)
    return {collection.name: collection for collection in (*map(of_resource_type, kinds), *_OWN)}


def of_resource_type(kind: ResourceType) -> Collection:
    """Return the collection of a resource type: its schemas say what is indexed and what is unique."""
    targets = [target for target in kind.targets() if not any(part.derived for part in target.chain)]
    unique = (target.field for target in targets if target.attribute.uniqueness is not Uniqueness.NONE)
    return Collection(
        kind.collection,
        indexed=tuple(target.field for target in targets if target.attribute.indexed),
        # No store has two records of one id; it needs no telling.
        unique=tuple(field for field in unique if field != ID),
        lists=tuple(t.field for t in targets if t.attribute.indexed and any(part.multi_valued for part in t.chain)),
        stamped=True,
    )


def _text(*names: str) -> tuple[Field, ...]:
    return tuple(Field((name,)) for name in names)


def _moments(*names: str) -> tuple[Field, ...]:
    return tuple(Field((name,), Kind.DATETIME) for name in names)


_OWN: Final = (
    # directory
    Collection("edges", indexed=_text("group", "member"), stamped=True),
    # auth
    Collection("credentials", indexed=_text("user")),
    Collection("factors", indexed=_text("user")),
    Collection("recovery", indexed=_text("user")),
    Collection("cached_passwords", indexed=_text("user"), expires=_EXPIRES),
    Collection("codes", indexed=_text("user"), expires=_EXPIRES),
    Collection("flows", indexed=_text("user"), expires=_EXPIRES),
    Collection("sessions", indexed=_text("user"), expires=_EXPIRES),
    Collection("tokens", indexed=_text("purpose", "subject"), expires=_EXPIRES),
    Collection("clients", indexed=(Field(("name",), case_exact=False),), unique=(Field(("name",), case_exact=False),)),
    Collection("personal_tokens", indexed=_text("user"), expires=_EXPIRES),
    Collection("client_tokens", indexed=_text("client"), expires=_EXPIRES, stamped=True),
    Collection("client_log", indexed=(*_text("client"), *_moments("at")), expires=_EXPIRES, counted=False),
    Collection("limits", indexed=_text("account"), expires=_EXPIRES),
    # what happened, and what is to be sent
    # Every commit adds to it, and would pay for the count.
    Collection("audit", indexed=(*_moments("at"), *_text("target", "actor", "tag")), counted=False),
    Collection("outbox", indexed=(*_text("state"), *_moments("due")), expires=_EXPIRES),
    # background work
    Collection("leases"),
    Collection("ldap_links", indexed=(*_text("source", "resource", "ref", "boss"), *_moments("gone", "due"))),
    Collection("ldap_feeds"),
    Collection("ldap_health"),
    Collection("ldap_conflicts", indexed=_text("source")),
    Collection("ldap_drafts"),
    Collection("ldap_runs", indexed=(*_text("source"), *_moments("started")), expires=_EXPIRES),
    Collection("ldap_changes", indexed=_text("run"), expires=_EXPIRES),
    Collection("settings"),
)
