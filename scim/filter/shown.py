"""Conditions on what resources are shown with and nobody stores, as conditions on what is stored in its place.

Locations and references end in an id; a version is that of the record.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from idp.query import (
    EVERYTHING,
    VERSION,
    And,
    Compare,
    Field,
    Filter,
    In,
    Kind,
    Not,
    Op,
    Or,
    Present,
    ValuePath,
    outside,
)
from idp.schema import GROUP, USER, ResourceType
from idp.schema.urns import ENTERPRISE_USER
from scim.etag import Condition
from scim.filter.uris import NOBODY, compared

Keys = tuple[str, ...]
Leaf = Compare | In | Present

META: Final = ("meta",)
LOCATION: Final = (*META, "location")
ENTITY_TAG: Final = (*META, "version")
REFERENCES: Final[Mapping[Keys, Sequence[str]]] = {
    ("groups", "$ref"): (GROUP.endpoint,),
    ("members", "$ref"): (USER.endpoint, GROUP.endpoint),
    (ENTERPRISE_USER, "manager", "$ref"): (USER.endpoint,),
}
"""The references that are worked out, and the endpoints to which they may lead."""

_ID: Final = Field(("id",))
_VALUE: Final = Field(("value",))
_TYPE: Final = Field(("type",), case_exact=False)
_KINDS: Final = {kind.endpoint: kind.name for kind in (USER, GROUP)}
_WORDS: Final = re.compile(r"location|version|\$ref", re.IGNORECASE)


class ShownFilters:
    """Rewrites filters over the resources of one type; `base` is the SCIM base URL without a slash at its end."""

    def __init__(self, base: str, resource_type: ResourceType) -> None:
        self._base = base
        self._location = f"{base}{resource_type.endpoint}/"
        # A type of somebody's own may have attributes of these names, and store them.
        derived = {target.keys for target in resource_type.targets() if target.attribute.derived}
        self._references = {keys: endpoints for keys, endpoints in REFERENCES.items() if keys in derived}

    def stored(self, text: str, filter: Filter) -> Filter:
        """Return the filter, which was read from the text, as one on what is stored."""
        # Hardly any filter has such a name in it.
        return self._rewritten(filter, ()) if _WORDS.search(text) else filter

    def stored_in(self, keys: Keys, text: str, filter: Filter) -> Filter:
        """Return the same of a filter over the elements at these keys."""
        return self._rewritten(filter, keys) if _WORDS.search(text) else filter

    def _rewritten(self, filter: Filter, above: Keys) -> Filter:
        """Return a filter whose fields begin below the keys `above`."""
        match filter:
            case And(terms):
                return And(tuple(self._rewritten(term, above) for term in terms))
            case Or(terms):
                return Or(tuple(self._rewritten(term, above) for term in terms))
            case Not(term):
                return Not(self._rewritten(term, above))
            case ValuePath(field, inner) if above + field.path == META:
                # Every resource has one, so that what holds inside of it holds of the resource.
                return self._rewritten(outside(field, inner), above)
            case ValuePath(field, inner):
                return ValuePath(field, self._rewritten(inner, above + field.path))
            case _:
                return self._leaf(filter, above + filter.field.path)

    def _leaf(self, leaf: Leaf, keys: Keys) -> Filter:
        if keys not in (LOCATION, ENTITY_TAG) and keys not in self._references:
            return leaf
        if isinstance(leaf, Compare) and leaf.op is Op.NE:
            return Not(self._leaf(replace(leaf, op=Op.EQ), keys))
        if keys == LOCATION:
            return _of_all(leaf, lambda op, value: compared(_ID, self._location, op, value))
        if keys == ENTITY_TAG:
            return _of_all(leaf, lambda _, value: _of_version(value))
        return self._referring(leaf, self._references[keys])

    def _referring(self, leaf: Leaf, endpoints: Sequence[str]) -> Filter:
        """Return a condition on a reference as one on the `value` beside it."""
        around = leaf.field.path[:-1]
        beside = Field((*around, _VALUE.name))
        if not isinstance(leaf, Compare) or not isinstance(leaf.value, str):
            return replace(leaf, field=beside)
        element = self._element(leaf.op, leaf.value, endpoints)
        if element == EVERYTHING:
            return Present(beside)
        return ValuePath(Field(around, Kind.COMPLEX), element) if around and element != NOBODY else element

    def _element(self, op: Op, value: str, endpoints: Sequence[str]) -> Filter:
        """Return what holds of an element whose reference compares so; of several endpoints `type` names the one."""
        found = {one: compared(_VALUE, f"{self._base}{one}/", op, value) for one in endpoints}
        if all(one == EVERYTHING for one in found.values()):
            return EVERYTHING
        if len(endpoints) == 1:
            return found[endpoints[0]]
        ways = [And((Compare(_TYPE, Op.EQ, _KINDS[at]), one)) for at, one in found.items() if one != NOBODY]
        return Or(tuple(ways))


def is_shown(keys: Keys) -> bool:
    """Tell whether conditions on what is worked out at these keys are rewritten."""
    return keys in (LOCATION, ENTITY_TAG) or keys in REFERENCES


def _of_all(leaf: Leaf, test: Callable[[Op, str], Filter]) -> Filter:
    """Return a condition on what every resource has."""
    if isinstance(leaf, Present):
        return EVERYTHING
    return test(leaf.op, leaf.value) if isinstance(leaf, Compare) and isinstance(leaf.value, str) else NOBODY


def _of_version(tag: str) -> Filter:
    """Return who has this entity tag, whatever was worked out for it; nobody has one that is not of our making."""
    version = Condition(tag).version
    return Compare(VERSION, Op.EQ, version) if version else NOBODY
