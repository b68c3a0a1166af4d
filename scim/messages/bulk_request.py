"""BulkRequest (RFC 7644 section 3.7): many operations in one request."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from idp.errors import CallerError, InvalidSyntax, InvalidValue, TooLarge
from scim.messages import demand_schema, field

SCHEMA: Final = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
METHODS: Final = ("POST", "PUT", "PATCH", "DELETE")


@dataclass(frozen=True, slots=True)
class BulkOperation:
    """One operation as the client wrote it; `where` is its place, `error` says why it cannot even be tried."""

    where: str
    method: str | None = None
    path: str | None = None
    bulk_id: str | None = None
    version: str | None = None
    data: Any = None
    error: CallerError | None = None


@dataclass(frozen=True, slots=True)
class BulkRequest:
    """The operations in their order, and after how many errors the rest is not to be done."""

    operations: tuple[BulkOperation, ...]
    fail_on_errors: int | None = None


def read(message: Mapping[str, Any], max_operations: int) -> BulkRequest:
    """Read the message. Raises InvalidSyntax, InvalidValue or TooLarge; what is wrong with one operation is in it."""
    demand_schema(message, SCHEMA)
    given = field(message, "Operations")
    if not isinstance(given, list) or not given:
        raise InvalidSyntax("Operations: expected a list with at least one operation")
    if len(given) > max_operations:
        raise TooLarge("the number of operations", max_operations)
    known: set[str] = set()
    read_ones = (_read_one(item, f"Operations[{place}]", known) for place, item in enumerate(given))
    return BulkRequest(tuple(read_ones), _fail_on_errors(message))


def _fail_on_errors(message: Mapping[str, Any]) -> int | None:
    count = field(message, "failOnErrors")
    if count is None:
        return None
    if not isinstance(count, int) or isinstance(count, bool) or count < 1:
        raise InvalidValue("failOnErrors", "expected a whole number, 1 or more")
    return count


def _read_one(item: Any, where: str, known: set[str]) -> BulkOperation:
    if not isinstance(item, dict):
        return BulkOperation(where, error=InvalidSyntax(f"{where}: expected an object"))
    texts = {name: field(item, name) for name in ("method", "path", "bulkId", "version")}
    method, path, bulk_id, version = (value if isinstance(value, str) else None for value in texts.values())
    method = method.upper() if method else None
    data = field(item, "data")
    mistake = _mistake(texts, method, data)
    error = InvalidSyntax(f"{where}.{mistake}") if mistake else _repeated(where, method, bulk_id, known)
    return BulkOperation(where, method, path, bulk_id, version, data, error)


def _mistake(texts: Mapping[str, Any], method: str | None, data: Any) -> str | None:
    for name, value in texts.items():
        if value is not None and not isinstance(value, str):
            return f"{name}: expected text"
    if method not in METHODS:
        return f"method: {texts['method']!r:.100} is none of {', '.join(METHODS)}"
    if not texts["path"]:
        return "path: every operation needs one"
    if method == "POST" and not texts["bulkId"]:
        return "bulkId: POST needs one"
    if method != "DELETE" and not isinstance(data, dict):
        return f"data: {method} needs an object"
    return None


def _repeated(where: str, method: str | None, bulk_id: str | None, known: set[str]) -> CallerError | None:
    if method != "POST" or not bulk_id:
        return None
    if bulk_id in known:
        return InvalidValue(f"{where}.bulkId", f"{bulk_id[:100]!r} is another operation's")
    known.add(bulk_id)
    return None
