"""Filters of RFC 7644 section 3.4.2.2: from text to the typed tree of `idp.query`."""

from collections.abc import Callable
from functools import lru_cache
from typing import Final

from idp.query import Filter
from idp.schema.attribute import Attribute
from idp.schema.model import ResourceType
from scim.filter.binding import ElementScope, ResourceScope, Scope, Template, bind
from scim.filter.grammar import parse
from scim.filter.literals import check_limits, take_literals
from scim.filter.shown import is_shown

# Clients send few shapes and many values; what is kept of a shape is some kilobytes at most.
_SHAPES: Final = 512


class FilterReader:
    """Reads filters over one kind of thing; shapes it has seen cost one look-up."""

    def __init__(self, scope: Scope) -> None:
        def template(shape: str) -> Template:
            check_limits(shape)
            return bind(parse(shape), scope)

        self._template: Callable[[str], Template] = lru_cache(_SHAPES)(template)

    def read(self, text: str) -> Filter:
        """Return the typed tree. Raises InvalidFilter, naming what cannot be read or compared."""
        shape, values = take_literals(text)
        return self._template(shape)(values)


def resource_filters(resource_type: ResourceType, *, dotted: bool = True) -> FilterReader:
    """Return a reader of filters over resources of a type; `dotted` also reads `urn:…:User.manager`."""
    return FilterReader(ResourceScope(resource_type, dotted=dotted))


def element_filters(attribute: Attribute, keys: tuple[str, ...]) -> FilterReader:
    """Return a reader of filters over the elements of an attribute: what stands in the brackets of a PATCH path."""
    return FilterReader(ElementScope(attribute, keys, answered=is_shown))
