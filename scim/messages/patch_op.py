"""PatchOp (RFC 7644 section 3.5.2): reads the operations of a PATCH request."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from idp.errors import InvalidPath, InvalidSyntax, InvalidValue, MutabilityViolated, NoTarget, TooLarge
from idp.schema import Lenience, coerce_single, coerce_value
from scim.messages import demand_schema, field
from scim.operation import ABSENT, Op, Operation
from scim.path import Path, PathReader
from scim.profiles import STANDARD, Profile

SCHEMA: Final = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
# Clients batch a few hundred members at most; more fits into one operation with many values.
MAX_OPERATIONS: Final = 1_000

_OPS: Final = {op.value: op for op in Op}


def read(message: Mapping[str, Any], paths: PathReader, profile: Profile = STANDARD) -> tuple[Operation, ...]:
    """Return the operations in their order, as the profile reads them.

    One without a path is taken apart into one for each key of its value. Raises InvalidSyntax, InvalidPath,
    InvalidFilter, InvalidValue, NoTarget, MutabilityViolated or TooLarge.
    """
    demand_schema(message, SCHEMA, required=not profile.missing_schemas)
    given = field(message, "Operations")
    if not isinstance(given, list) or not given:
        raise InvalidSyntax("Operations: expected a list with at least one operation")
    if len(given) > MAX_OPERATIONS:
        raise TooLarge("the number of operations", MAX_OPERATIONS)
    return tuple(operation for item in given for operation in _read_one(item, paths, profile))


def _read_one(item: Any, paths: PathReader, profile: Profile) -> Iterator[Operation]:
    if not isinstance(item, dict):
        raise InvalidSyntax("Operations: expected objects")
    op = _op(field(item, "op"), any_case=profile.any_case_ops)
    value = _value(item)
    path = field(item, "path")
    if path is not None and not isinstance(path, str):
        raise InvalidPath(f"{path!r:.100}", "expected a string")
    if not path or path.isspace():
        yield from _without_path(op, value, paths, profile)
        return
    if op is not Op.REMOVE and value is ABSENT:
        raise InvalidValue(path, f"{op} needs a value")
    if op is Op.REMOVE and value is not ABSENT and not profile.remove_by_value:
        raise InvalidValue(path, "remove takes no value: what is to go is said by the path")
    target = paths.read(path)
    if target.is_read_only:
        raise MutabilityViolated(target.text, "the attribute is readOnly")
    yield _operation(op, target, value, profile)


def _operation(op: Op, path: Path, value: Any, profile: Profile) -> Operation:
    return Operation(op, path, _coerced(path, value, profile.documents), profile.missing_elements)


def _coerced(path: Path, value: Any, lenience: Lenience) -> Any:
    """Return the value as what the path leads to asks for it: behind a filter, that is one element."""
    if value is ABSENT or value is None:
        return value
    if path.filter is None or path.sub is not None:
        return coerce_value(path.sub or path.attribute, value, lenience)
    is_wrapped = lenience.one_or_many and isinstance(value, list) and len(value) == 1
    return coerce_single(path.attribute, value[0] if is_wrapped else value, lenience)


def _op(given: Any, *, any_case: bool) -> Op:
    op = _OPS.get(given.lower() if any_case else given) if isinstance(given, str) else None
    if op is None:
        raise InvalidSyntax(f"op: {given!r:.100} is none of add, replace and remove")
    return op


def _value(item: Mapping[str, Any]) -> Any:
    if "value" in item:
        return item["value"]
    return next((value for key, value in item.items() if key.lower() == "value"), ABSENT)


def _without_path(op: Op, value: Any, paths: PathReader, profile: Profile) -> Iterator[Operation]:
    """Take the value apart by its keys, which are paths to some clients (`name.givenName`, `urn:…:User:title`).

    As in a whole resource, unknown and readOnly attributes are passed over, unless the profile says otherwise.
    """
    if op is Op.REMOVE:
        raise NoTarget("path", "remove needs one")
    if not isinstance(value, dict):
        raise InvalidValue("value", f"{op} without a path needs an object")
    for key, inner in value.items():
        try:
            path = paths.read(key)
        except InvalidPath:
            if profile.unknown_attributes:
                continue
            raise
        if path.is_joined and not profile.documents.joined_keys:
            raise InvalidPath(key, "a key of the value is the name of an attribute")
        if path.attribute.name == "schemas":
            continue
        if not path.is_read_only:
            yield _operation(op, path, inner, profile)
        elif not profile.read_only_in_patch:
            raise MutabilityViolated(key, "the attribute is readOnly")
