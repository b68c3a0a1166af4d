"""How a stored document comes about: what the caller may say, plus what only the directory says."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from idp.errors import MutabilityViolated
from idp.schema import ResourceType, validate
from idp.schema.leftovers import with_leftovers

Document = dict[str, Any]

_ABOUT_THE_REST: Final = frozenset({"schemas", "meta"})


def private_copy(document: Mapping[str, Any]) -> Document:
    """Return a copy that shares nothing with the document."""
    copied: Document = msgspec.to_builtins(document)
    return copied


def created(kind: ResourceType, document: Mapping[str, Any], id: str, now: str) -> Document:
    """Return the caller's validated document as a new resource."""
    checked = validate(kind, document, creating=True)
    schemas = checked.pop("schemas")
    meta = {"resourceType": kind.name, "created": now, "lastModified": now}
    return {"schemas": schemas, "id": id, **checked, "meta": meta}


def changed(kind: ResourceType, before: Mapping[str, Any], wanted: Mapping[str, Any]) -> Document:
    """Return the wanted document, validated, with what a caller cannot say as it was before.

    Raises InvalidValue, and MutabilityViolated when an immutable value would become another.
    """
    checked = validate(kind, wanted, creating=False, before=before)
    schemas = checked.pop("schemas")
    after = {"schemas": schemas, **checked}
    for keys in kind.kept:
        _carry(before, after, keys)
    for target in kind.immutable:
        _hold(before, after, target.keys)
    return with_schemas(kind, with_leftovers(kind, before, after))


def stamped(document: Document, now: str) -> Document:
    """Return the document as modified now."""
    return {**document, "meta": {**document["meta"], "lastModified": now}}


def with_schemas(kind: ResourceType, document: Document) -> Document:
    """Return the document with `schemas` naming what is in it, and in the order in which people read."""
    present = [e.schema.id for e in kind.extensions if document.get(e.schema.id)]
    rest = {key: value for key, value in document.items() if key not in ("schemas", "id", "meta")}
    return {"schemas": [kind.schema.id, *present], "id": document["id"], **rest, "meta": document["meta"]}


def differing(before: Mapping[str, Any], after: Mapping[str, Any]) -> frozenset[str]:
    """Return the names of the top-level attributes that are not the same in both."""
    found = before.keys() ^ after.keys()
    for key, value in after.items():
        # Most values of a changed document are those of the one before.
        if key in before and before[key] is not value and before[key] != value:
            found.add(key)
    return frozenset(found - _ABOUT_THE_REST)


def named_in(document: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the names of the attributes that a new document sets."""
    return tuple(sorted(differing({}, document) - {"id"}))


def _carry(before: Mapping[str, Any], after: Document, keys: tuple[str, ...]) -> None:
    *path, last = keys
    source: Any = before
    for key in path:
        source = source.get(key)
        if not isinstance(source, dict):
            return
    if last not in source:
        return
    for key in path:
        after = after.setdefault(key, {})
    after[last] = source[last]


def _hold(before: Mapping[str, Any], after: Document, keys: tuple[str, ...]) -> None:
    present, wanted = _at(before, keys), _at(after, keys)
    if present is None or wanted == present:
        return
    if wanted is not None:
        raise MutabilityViolated(".".join(keys))
    _carry(before, after, keys)


def _at(document: Mapping[str, Any], keys: tuple[str, ...]) -> Any:
    value: Any = document
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value
