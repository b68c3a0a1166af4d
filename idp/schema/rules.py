"""Attribute declarations compiled into checks, once per resource type: validation is on the path of every write."""

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any, Final

import msgspec

from idp.schema.attribute import Attribute, Mutability, Type
from idp.schema.values import CHECKS, MAX_TEXT, Fault, check_string

Check = Callable[[Any], Any]
UNSET: Final = object()
_NOTHING: Final[Mapping[str, Any]] = {}
_encode: Final = msgspec.json.Encoder().encode


class Slots:
    """The checks of one level of attributes: their names in any case, and which must be there.

    `read` turns an object into one with names as declared, without unknown, unset and readOnly ones.
    """

    def __init__(self, attributes: Iterable[Attribute], *, top: bool = False) -> None:
        self._by_name: dict[str, tuple[str, Check]] = {}
        self._required: list[str] = []
        for attribute in attributes:
            if attribute.mutability is Mutability.READ_ONLY or (attribute.derived and not top):
                continue
            slot = (attribute.name, compile_attribute(attribute))
            self._by_name[attribute.name] = self._by_name[attribute.name.lower()] = slot
            if attribute.required and not (top and attribute.mutability is Mutability.WRITE_ONLY):
                self._required.append(attribute.name)

    def add(self, name: str, check: Check) -> None:
        """Let an object stand under this name, in any case: an extension's URN."""
        self._by_name[name] = self._by_name[name.lower()] = (name, check)

    def read(self, document: Mapping[str, Any], before: Mapping[str, Any] = _NOTHING) -> dict[str, Any]:
        """Return the checked object; what it shares with the one `before` was checked then. Raises Fault."""
        found = self._beside(document, before) if before else self._new(document)
        for name in self._required:
            if not found.get(name):
                self._demand(found, name)
        return found

    def _new(self, document: Mapping[str, Any]) -> dict[str, Any]:
        """Check an object of which nothing is known: imports spend their time here."""
        found: dict[str, Any] = {}
        by_name = self._by_name
        for key, value in document.items():
            slot = by_name.get(key) or by_name.get(key.lower())
            if slot is None or value is None:
                continue
            name, check = slot
            # Most of what is ever checked is short ASCII: seen here, it needs no further look.
            is_plain = check is check_string and type(value) is str and value.isascii() and len(value) <= MAX_TEXT
            try:
                checked = value if is_plain and "\x00" not in value else check(value)
                if name in found:
                    raise Fault("given more than once")
            except Fault as fault:
                raise fault.under(name) from None
            if checked is not UNSET:
                found[name] = checked
        return found

    def _beside(self, document: Mapping[str, Any], before: Mapping[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        by_name = self._by_name
        for key, value in document.items():
            slot = by_name.get(key) or by_name.get(key.lower())
            if slot is None or value is None:
                continue
            name, check = slot
            if key == name and before.get(name) is value and name not in found:
                found[name] = value
                continue
            try:
                known = key == name and _is_same(before.get(name), value)
                checked = value if known else check(value)
                if name in found:
                    raise Fault("given more than once")
            except Fault as fault:
                raise fault.under(name) from None
            if checked is not UNSET:
                found[name] = checked
        return found

    def _demand(self, found: Mapping[str, Any], name: str) -> None:
        if found.get(name, "") == "":
            raise Fault("a value is required", name)


def _is_same(known: Any, value: Any) -> bool:
    """Tell whether the values are the same in JSON; to Python, true equals 1 and 2 equals 2.0, at any depth."""
    if type(known) is not type(value) or known != value:
        return False
    return type(value) not in (dict, list) or _encode(known) == _encode(value)


@lru_cache(maxsize=4_096)
def compile_attribute(attribute: Attribute) -> Check:
    """Return the check of an attribute's whole value: a list if it is multi-valued."""
    single = compile_single(attribute)
    if not attribute.multi_valued:
        return single
    has_primary = attribute.sub("primary") is not None
    return _list_check(single, attribute.max_values, has_primary=has_primary)


@lru_cache(maxsize=4_096)
def compile_single(attribute: Attribute) -> Check:
    """Return the check of one value of the attribute."""
    if attribute.type is Type.COMPLEX:
        return object_check(Slots(attribute.sub_attributes))
    return CHECKS[attribute.type]


def object_check(slots: Slots) -> Check:
    """Return the check of an object with these slots; one in which nothing is set is unset itself."""

    def check(value: Any) -> Any:
        if type(value) is not dict:
            raise Fault("expected an object")
        if not value:
            return UNSET
        return slots.read(value) or UNSET

    return check


def _list_check(single: Check, limit: int, *, has_primary: bool) -> Check:
    def check(value: Any) -> Any:
        if type(value) is not list:
            raise Fault("expected a list")
        if len(value) > limit:
            raise Fault(f"more than {limit} values")
        found: list[Any] = []
        for position, element in enumerate(value):
            try:
                checked = UNSET if element is None else single(element)
            except Fault as fault:
                raise fault.under(f"[{position}]") from None
            if checked is not UNSET:
                found.append(checked)
        if has_primary and len(found) > 1:
            _one_primary(found)
        return found or UNSET

    return check


def _one_primary(elements: list[dict[str, Any]]) -> None:
    # Section 2.4: true must not appear more than once.
    primary = [position for position, element in enumerate(elements) if element.get("primary") is True]
    if len(primary) > 1:
        raise Fault("another value is primary already", f"[{primary[1]}].primary")
