"""The one table from what went wrong to the error that RFC 7644 section 3.12 has for it."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

from idp.errors import (
    CallerError,
    IdpError,
    InvalidFilter,
    InvalidPath,
    InvalidSyntax,
    InvalidValue,
    MutabilityViolated,
    NoTarget,
    NotAuthenticated,
    NotFound,
    NotUnique,
    PermissionDenied,
    RateLimited,
    RemoteError,
    TooLarge,
    VersionMismatch,
)
from idp.http.faults import BodyTooSlow, HeadTooLarge, TargetTooLong, UnknownExpectation, UnsupportedEncoding


class TooMany(CallerError):
    """A filter goes through more resources than the server is willing to look at."""


class InvalidCursor(CallerError):
    """What stands for a cursor is none, or one of another list (RFC 9865 section 2.1)."""

    def __init__(self) -> None:
        super().__init__(
            "the cursor is not one of this list; it is empty for the first page, else a nextCursor or previousCursor"
            " that was given for the same filter and order"
        )


class ExpiredCursor(CallerError):
    """The cursor has not been used in time (RFC 9865 section 2.1)."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"the cursor has expired; one lives for {seconds} seconds")


class InvalidCount(CallerError):
    """The count of a page that a cursor stands for cannot be used (RFC 9865 section 2.1)."""


class UnsupportedMediaType(CallerError):
    """The body is of a type that SCIM does not use."""


class FilterForbidden(CallerError):
    """Discovery endpoints must refuse filters (RFC 7644 section 4)."""


class NotMade(CallerError):
    """A bulk operation refers to something that the request was to make and did not (RFC 7644 section 3.7.1)."""

    def __init__(self, reference: str) -> None:
        super().__init__(f"{reference} was not made")


class VersionExcluded(CallerError):
    """If-None-Match names the version that the resource has (RFC 9110 section 13.1.2)."""

    def __init__(self, id: str) -> None:
        super().__init__(f"{id!r} is there, at a version that If-None-Match excludes")


class CircleRefused(CallerError):
    """Operations of a bulk request refer to each other in a way that is not tried (RFC 7644 section 3.7.1)."""


# The first kind that fits; status and scimType (RFC 7644 tables 8 and 9).
_TABLE: Final[Mapping[type[Exception], tuple[int, str | None]]] = {
    InvalidSyntax: (400, "invalidSyntax"),
    InvalidValue: (400, "invalidValue"),
    InvalidFilter: (400, "invalidFilter"),
    InvalidPath: (400, "invalidPath"),
    NoTarget: (400, "noTarget"),
    MutabilityViolated: (400, "mutability"),
    TooMany: (400, "tooMany"),
    InvalidCursor: (400, "invalidCursor"),
    ExpiredCursor: (400, "expiredCursor"),
    InvalidCount: (400, "invalidCount"),
    NotAuthenticated: (401, None),
    PermissionDenied: (403, None),
    FilterForbidden: (403, None),
    NotFound: (404, None),
    NotUnique: (409, "uniqueness"),
    NotMade: (409, None),
    CircleRefused: (409, None),
    BodyTooSlow: (408, None),
    VersionMismatch: (412, None),
    VersionExcluded: (412, None),
    TooLarge: (413, None),
    TargetTooLong: (414, None),
    UnsupportedEncoding: (415, None),
    UnsupportedMediaType: (415, None),
    UnknownExpectation: (417, None),
    RateLimited: (429, None),
    HeadTooLarge: (431, None),
    CallerError: (400, None),
    RemoteError: (503, None),
}


def status_and_type(error: Exception) -> tuple[int, str | None]:
    """Return the status and scimType for an error; whatever is in no table is a bug of ours: 500."""
    return next((answer for kind, answer in _TABLE.items() if isinstance(error, kind)), (500, None))


def detail(error: Exception) -> str:
    """Return the sentence for the client; nothing of a bug of ours is shown."""
    return str(error) if isinstance(error, IdpError) else HTTPStatus.INTERNAL_SERVER_ERROR.phrase
