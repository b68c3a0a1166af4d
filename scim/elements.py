"""The elements of a multi-valued attribute: which are the same, which one a filter describes, which is primary."""

from collections.abc import Iterable, Sequence
from typing import Any

from idp.query import And, Compare, Filter, fold
from idp.query import Op as Comparison
from idp.schema import Attribute, Type

Element = dict[str, Any]


def merged(attribute: Attribute, current: Sequence[Any], added: Iterable[Any]) -> list[Any]:
    """Return the attribute's elements with others added; one that is there is only completed, and no pair repeats.

    RFC 7643 section 2.4: the same `value` and `type` should not appear twice, and text is the same in any case unless
    it is declared otherwise. An added element without a type is the same as one of any type.
    """
    elements = list(current)
    known: dict[Any, Any] = {}
    for element in elements:
        _remember(known, attribute, element)
    touched: list[Any] = []
    for new in added:
        twin = known.get(_identity(attribute, new))
        if twin is None:
            elements.append(new)
            _remember(known, attribute, new)
        elif isinstance(twin, dict):
            twin.update(new)
        touched.append(new if twin is None else twin)
    settle_primary(elements, touched)
    return elements


def without(attribute: Attribute, current: Sequence[Any], unwanted: Iterable[Any]) -> list[Any]:
    """Return the attribute's elements but for those given; one given without a type stands for all of its value."""
    gone = {_identity(attribute, element) for element in unwanted}
    return [e for e in current if gone.isdisjoint((_identity(attribute, e), _value_of(attribute, e)))]


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


def _identity(attribute: Attribute, element: Any) -> Any:
    if not isinstance(element, dict):
        return repr(_compared(attribute, element))
    if "value" in element:
        kind = _compared(attribute.sub("type"), element.get("type"))
        return (_compared(attribute.sub("value"), element["value"]), kind)
    return repr(sorted(element.items()))


def _value_of(attribute: Attribute, element: Any) -> Any:
    if not isinstance(element, dict) or "value" not in element:
        return None
    return (_compared(attribute.sub("value"), element["value"]), None)


def _compared(attribute: Attribute | None, value: Any) -> Any:
    """Return a value as it compares with others of the attribute."""
    is_folded = attribute is not None and attribute.type is Type.STRING and not attribute.case_exact
    return fold(value) if is_folded and isinstance(value, str) else value


def _remember(known: dict[Any, Any], attribute: Attribute, element: Any) -> None:
    known[_identity(attribute, element)] = element
    if (value := _value_of(attribute, element)) is not None:
        known.setdefault(value, element)
