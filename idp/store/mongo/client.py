"""The connection: options that keep what was acknowledged, either driver, and driver errors as ours."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from inspect import isawaitable
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from bson.errors import BSONError
from pymongo import AsyncMongoClient
from pymongo.errors import (
    ConfigurationError,
    ConnectionFailure,
    DocumentTooLarge,
    ExecutionTimeout,
    InvalidURI,
    NetworkTimeout,
    OperationFailure,
    PyMongoError,
    WaitQueueTimeoutError,
)

from idp.errors import ConfigError, DeadlineExceeded, IdpError, InvalidValue, Overloaded, TooLarge, Unavailable

WHAT: Final = "the store"
DRIVERS: Final = ("pymongo", "motor")

# Without both, a crash right after the answer loses what was acknowledged; no URL may weaken them.
_DURABLE: Final = {"w": "majority", "journal": True, "readConcernLevel": "majority", "retryWrites": True}
# A primary that is away is noticed in seconds, and whoever waits for it hears so while still there; one that is only
# busy, such as beside an import on a small machine, is not taken for lost.
_BRISK: Final = {"serverSelectionTimeoutMS": 5_000, "connectTimeoutMS": 5_000, "heartbeatFrequencyMS": 1_000}

_TOO_LARGE: Final = 10334
_LARGEST_DOCUMENT: Final = 16 * 2**20


def connect(url: str) -> tuple[Any, Any]:
    """Return the client and the database that the URL names; nothing is waited for. Raises ConfigError.

    The client is untyped on purpose: it is one of two, and `settled` levels where they differ.
    """
    parts = urlsplit(url)
    given = dict(parse_qsl(parts.query, keep_blank_values=True))
    driver = given.pop("driver", "pymongo")
    name = parts.path.strip("/")
    if driver not in DRIVERS:
        raise ConfigError("store.url", f"driver must be one of {', '.join(DRIVERS)}")
    if not name:
        raise ConfigError("store.url", "must name a database: mongodb://host/name")
    set_by_url = {option.lower() for option in given}
    brisk = {option: value for option, value in _BRISK.items() if option.lower() not in set_by_url}
    plain = urlunsplit(parts._replace(query=urlencode(given)))
    try:
        client = _client_class(driver)(plain, tz_aware=True, **_DURABLE, **brisk)
    except (ConfigurationError, InvalidURI, ValueError) as error:
        # The URL may hold a password; the driver's sentence does not.
        raise ConfigError("store.url", str(error)) from None
    return client, client[name]


def _client_class(driver: str) -> Any:
    if driver == "pymongo":
        return AsyncMongoClient
    from motor.motor_asyncio import AsyncIOMotorClient

    return AsyncIOMotorClient


async def settled(value: Any) -> Any:
    """Return the value, awaited if need be: the drivers differ in which of their calls are coroutines."""
    return await value if isawaitable(value) else value


@contextmanager
def translated() -> Iterator[None]:
    """Turn what the driver raises in a block into the domain's errors."""
    try:
        yield
    except PyMongoError as error:
        raise domain_error(error) from error
    except BSONError as error:
        raise InvalidValue("document", f"cannot be stored: {error}") from error
    except OverflowError as error:
        raise InvalidValue("document", "holds a number of more than 64 bits") from error
    except UnicodeEncodeError as error:
        raise InvalidValue("document", "holds text that is not Unicode") from error


def domain_error(error: PyMongoError) -> IdpError:
    """Return the domain's error for the driver's."""
    match error:
        case DocumentTooLarge():
            return TooLarge("the document", _LARGEST_DOCUMENT)
        case OperationFailure() if error.code == _TOO_LARGE:
            return TooLarge("the document", _LARGEST_DOCUMENT)
        case WaitQueueTimeoutError():
            return Overloaded(WHAT)
        case NetworkTimeout() | ExecutionTimeout():
            return DeadlineExceeded(WHAT)
        case ConnectionFailure():
            return Unavailable(WHAT)
        case _:
            return Unavailable(WHAT, f"MongoDB says {_name_of(error)}")


def _name_of(error: PyMongoError) -> str:
    details: Any = getattr(error, "details", None)
    name = details.get("codeName") if isinstance(details, Mapping) else None
    return str(name or type(error).__name__)
