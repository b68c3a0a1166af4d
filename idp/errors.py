"""What can go wrong, in the domain's own words; each protocol has one table from these to its answers.

Three families say whose fault it is: `CallerError` (the request cannot be carried out as asked),
`RemoteError` (a system we depend on did not do its part) and everything else, which is a bug of ours.
No message ever carries a secret, a code, a token or a password.
"""


class IdpError(Exception):
    """Base of every error that the domain raises on purpose; `str()` is a sentence fit for the caller."""


class CallerError(IdpError):
    """The caller asked for something that cannot be done; nothing was changed."""


class InvalidSyntax(CallerError):
    """The message is not of the form its protocol asks for."""


class InvalidValue(CallerError):
    """A value does not fit its attribute's declaration, or a required one is missing."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason


class InvalidFilter(CallerError):
    """A filter cannot be read, names no attribute, or compares with an operator its type does not have."""


class InvalidPath(CallerError):
    """A path cannot be read or names no attribute of the schema."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path


class NoTarget(CallerError):
    """A path selected no value where one is needed."""

    def __init__(self, path: str, reason: str = "no value matches the path's filter") -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path


class MutabilityViolated(CallerError):
    """A readOnly or immutable attribute would change."""

    def __init__(self, path: str, reason: str = "the attribute cannot be modified") -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path


class NotFound(CallerError):
    """No such resource (or none that this actor may know of)."""

    def __init__(self, kind: str, id: str) -> None:
        super().__init__(f"{kind} {id!r} does not exist")
        self.kind = kind
        self.id = id


class NotUnique(CallerError):
    """Another record already has this value of a unique attribute."""

    def __init__(self, collection: str, attribute: str) -> None:
        super().__init__(f"the value of {attribute} is already in use")
        self.collection = collection
        self.attribute = attribute


class VersionMismatch(CallerError):
    """The record is not at the version the caller expected, or is gone."""

    def __init__(self, collection: str, id: str) -> None:
        super().__init__(f"{id!r} has changed since it was read")
        self.collection = collection
        self.id = id


class PermissionDenied(CallerError):
    """The actor may not do this; the reason names verb and area, never the target's data."""

    def __init__(self, verb: str, area: str) -> None:
        super().__init__(f"{verb} on {area} is not permitted")
        self.verb = verb
        self.area = area


class ScopeLacking(PermissionDenied):
    """The actor's token is not for this; one with the scope would do."""

    def __init__(self, verb: str, area: str, scope: str) -> None:
        super().__init__(verb, area)
        self.args = (f"{self.args[0]}: the token lacks the scope {scope}",)
        self.scope = scope


class NotAuthenticated(CallerError):
    """No credential, or one that is unknown, expired or revoked."""


class TooLarge(CallerError):
    """The request or the answer goes over a limit of ours."""

    def __init__(self, what: str, limit: int) -> None:
        super().__init__(f"{what} is over the limit of {limit}")
        self.what = what
        self.limit = limit


class RateLimited(CallerError):
    """Too many attempts; try again after `retry_after` seconds."""

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"too many attempts; try again in {retry_after} seconds")
        self.retry_after = retry_after


class ConfigError(CallerError):
    """A setting is missing, unknown or wrong; `key` is its dotted name or the file it stands in."""

    def __init__(self, key: str, reason: str) -> None:
        super().__init__(f"{key}: {reason}")
        self.key = key
        self.reason = reason


class RemoteError(IdpError):
    """A system we depend on did not do its part; the same request may succeed later."""

    retry_after = 1


class Unavailable(RemoteError):
    """The store or a directory cannot be reached, or lost its majority."""

    def __init__(self, what: str, reason: str = "not reachable") -> None:
        super().__init__(f"{what}: {reason}")
        self.what = what


class Unanswered(Unavailable):
    """It was asked, and did not answer in time: what it was asked may have been done all the same."""


class Contradicted(Unavailable):
    """What is stored contradicts what the settings declare: it stays away until somebody changes one or the other."""


class Overloaded(RemoteError):
    """A bounded queue is full; the work was refused before it began."""

    def __init__(self, what: str, retry_after: int = 1) -> None:
        super().__init__(f"{what} is busy")
        self.what = what
        self.retry_after = retry_after


class DeadlineExceeded(RemoteError):
    """The request's deadline passed; a commit that had begun may or may not have been made."""

    def __init__(self, what: str) -> None:
        super().__init__(f"{what} took too long")
        self.what = what
