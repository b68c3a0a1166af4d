"""The elements of a multi-valued attribute: which are the same, which one a filter describes, which is primary."""

from collections.abc import Iterable, Sequence
from typing import Any

from idp.query import And, Compare, Filter
from idp.query import Op as Comparison

Element = dict[str, Any]


def merged(current: Sequence[Any], added: Iterable[Any]) -> list[Any]:
    """Return the elements with others added; one that is there already is only completed, and no pair repeats.

    RFC 7643 section 2.4: the same `value` and `type` should not appear twice. An added element without a type is the
    same as one of any type.
    """
    elements = list(current)
    known: dict[Any, Any] = {}
    for element in elements:
        _remember(known, element)
    touched: list[Any] = []
    for new in added:
        twin = known.get(_identity(new))
        if twin is None:
            elements.append(new)
            _remember(known, new)
        elif isinstance(twin, dict):
            twin.update(new)
        touched.append(new if twin is None else twin)
    settle_primary(elements, touched)
    return elements


def without(current: Sequence[Any], unwanted: Iterable[Any]) -> list[Any]:
    """Return the elements but for those given; one given without a type stands for all of its value."""
    gone = {_identity(element) for element in unwanted}
    return [e for e in current if _identity(e) not in gone and _value_of(e) not in gone]


def settle_primary(elements: Iterable[Any], touched: Iterable[Any]) -> None:
    """Where an element was made primary, make the others not so (RFC 7644 section 3.5.2)."""
    chosen = {id(element) for element in touched if isinstance(element, dict) and element.get("primary") is True}
    for element in elements if chosen else ():
        if id(element) not in chosen and element.get("primary") is True:
            element["primary"] = False


def implied(filter: Filter) -> Element | None:
    """Return the element that a filter describes: `type eq "work" and primary eq true`. None if it does not say."""
    match filter:
        case Compare(field, Comparison.EQ, value) if len(field.path) == 1 and value is not None:
            return {field.path[0]: value}
        case And(terms):
            parts = [implied(term) for term in terms]
            return None if None in parts else {key: value for part in parts if part for key, value in part.items()}
        case _:
            return None


def _identity(element: Any) -> Any:
    if not isinstance(element, dict):
        return repr(element)
    if "value" in element:
        return (element["value"], element.get("type"))
    return repr(sorted(element.items()))


def _value_of(element: Any) -> Any:
    return (element["value"], None) if isinstance(element, dict) and "value" in element else None


def _remember(known: dict[Any, Any], element: Any) -> None:
    known[_identity(element)] = element
    if (value := _value_of(element)) is not None:
        known.setdefault(value, element)
