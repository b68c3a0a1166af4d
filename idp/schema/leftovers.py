"""What stored documents hold of attributes and extensions that are declared no more: it is kept, and not served."""

from collections.abc import Mapping
from typing import Any

from idp.schema.model import ResourceType


def served(kind: ResourceType, document: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a document of this type without leftovers; one that has none stays the very same."""
    # On the path of every answer, and hardly ever is there anything to do.
    return document if _is_clean(kind, document) else _without_leftovers(kind, document)


def _is_clean(kind: ResourceType, document: Mapping[str, Any]) -> bool:
    if not kind.names.issuperset(document):
        return False
    for urn, names in kind.names_inside:
        inside = document.get(urn)
        if inside and not names.issuperset(inside):
            return False
    return True


def _without_leftovers(kind: ResourceType, document: Mapping[str, Any]) -> Mapping[str, Any]:
    left = {key: value for key, value in document.items() if key in kind.names}
    for urn, names in kind.names_inside:
        if urn in left:
            left[urn] = {key: value for key, value in left[urn].items() if key in names}
    left["schemas"] = [urn for urn in document["schemas"] if urn == kind.schema.id or left.get(urn)]
    return {key: value for key, value in left.items() if value != {}}


def with_leftovers(kind: ResourceType, before: Mapping[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    """Return the document with the leftovers of the one before it, which no caller can give."""
    if _is_clean(kind, before):
        return after
    kept = {key: value for key, value in before.items() if key not in kind.names}
    for urn, names in kind.names_inside:
        inside = {key: value for key, value in before.get(urn, {}).items() if key not in names}
        if inside:
            kept[urn] = {**after.get(urn, {}), **inside}
    return {**after, **kept}
