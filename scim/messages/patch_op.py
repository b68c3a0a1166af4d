"""PatchOp (RFC 7644 section 3.5.2): reads the operations of a PATCH request."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from idp.errors import InvalidPath, InvalidSyntax, InvalidValue, NoTarget, TooLarge
from idp.schema import Mutability
from scim.messages import demand_schema, field
from scim.operation import ABSENT, Op, Operation
from scim.path import PathReader

SCHEMA: Final = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
# Clients batch a few hundred members at most; more fits into one operation with many values.
MAX_OPERATIONS: Final = 1_000

_OPS: Final = {op.value: op for op in Op}


def read(message: Mapping[str, Any], paths: PathReader) -> tuple[Operation, ...]:
    """Return the operations in their order.

    One without a path is taken apart into one for each key of its value. Raises InvalidSyntax, InvalidPath,
    InvalidFilter, InvalidValue, NoTarget or TooLarge.
    """
    demand_schema(message, SCHEMA)
    given = field(message, "Operations")
    if not isinstance(given, list) or not given:
        raise InvalidSyntax("Operations: expected a list with at least one operation")
    if len(given) > MAX_OPERATIONS:
        raise TooLarge("the number of operations", MAX_OPERATIONS)
    return tuple(operation for item in given for operation in _read_one(item, paths))


def _read_one(item: Any, paths: PathReader) -> Iterator[Operation]:
    if not isinstance(item, dict):
        raise InvalidSyntax("Operations: expected objects")
    op = _op(field(item, "op"))
    value = _value(item)
    path = field(item, "path")
    if path is not None and not isinstance(path, str):
        raise InvalidPath(f"{path!r:.100}", "expected a string")
    if not path or path.isspace():
        yield from _without_path(op, value, paths)
        return
    if op is not Op.REMOVE and value is ABSENT:
        raise InvalidValue(path, f"{op} needs a value")
    yield Operation(op, paths.read(path), value)


def _op(given: Any) -> Op:
    op = _OPS.get(given.lower()) if isinstance(given, str) else None
    if op is None:
        raise InvalidSyntax(f"op: {given!r:.100} is none of add, replace and remove")
    return op


def _value(item: Mapping[str, Any]) -> Any:
    if "value" in item:
        return item["value"]
    return next((value for key, value in item.items() if key.lower() == "value"), ABSENT)


def _without_path(op: Op, value: Any, paths: PathReader) -> Iterator[Operation]:
    """Take the value apart by its keys, which are paths to some clients (`name.givenName`, `urn:…:User:title`).

    As in a whole resource, unknown and readOnly attributes are passed over.
    """
    if op is Op.REMOVE:
        raise NoTarget("path", "remove needs one")
    if not isinstance(value, dict):
        raise InvalidValue("value", f"{op} without a path needs an object")
    for key, inner in value.items():
        try:
            path = paths.read(key)
        except InvalidPath:
            continue
        if path.attribute.mutability is not Mutability.READ_ONLY and path.attribute.name != "schemas":
            yield Operation(op, path, inner)
