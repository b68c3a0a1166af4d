"""What can go wrong with a directory, always naming the source it went wrong with."""

from collections.abc import Sequence
from math import ceil
from typing import Final

from idp.errors import CallerError, InvalidSyntax, Overloaded, RemoteError, Unanswered, Unavailable
from idp.words import counted

# Differences that a message names; an object has all of them.
_NAMED: Final = 10


class DirectoryError(RemoteError):
    """A directory did not do what was asked of it."""

    def __init__(self, source: str, reason: str) -> None:
        RemoteError.__init__(self, f"directory {source!r}: {reason}")
        self.source = source
        self.reason = reason


class DirectoryUnavailable(DirectoryError, Unavailable):
    """The server cannot be reached, does not answer in time, or dropped the connection."""

    def __init__(self, source: str, reason: str) -> None:
        Unavailable.__init__(self, f"directory {source!r}", reason)
        self.source = source
        self.reason = reason


class DirectoryUnable(DirectoryUnavailable):
    """The server is there and answered, but cannot do what was asked at present: this is no outage."""


class DirectoryBusy(DirectoryUnable):
    """The server has said itself that it does nothing at present: nothing was done, and another server may be asked."""


class DirectoryUnanswered(DirectoryUnable, Unanswered):
    """The server is there, but whether it did what it was asked nobody knows."""


class DirectorySilent(DirectoryUnavailable):
    """The server did not answer in time."""


class DirectoryUntrusted(DirectoryUnavailable):
    """TLS could not be agreed on: the certificate is not to be trusted, or the server offers none."""


class DirectoryRefused(DirectoryError):
    """The server answered and said no; `code` is the LDAP result code (RFC 4511 appendix A)."""

    def __init__(self, source: str, reason: str, code: int) -> None:
        super().__init__(source, reason)
        self.code = code


class DirectoryGarbled(DirectoryError):
    """The server's answer is not LDAP as we can read it."""


class RunUnderWay(Overloaded):
    """A run of the directory is under way; one whose process was lost elsewhere counts as such for some seconds yet."""

    def __init__(self, source: str, seconds: float) -> None:
        self.what = f"directory {source!r}"
        self.retry_after = ceil(seconds) or 1
        wait = counted(self.retry_after, "second")
        RemoteError.__init__(
            self, f"{self.what}: another run is under way; if its process has died, the next can begin in {wait}"
        )


class Overtaken(Unavailable):
    """Another worker has taken a run's place, because nothing was heard of it for too long."""

    def __init__(self, source: str) -> None:
        super().__init__(f"directory {source!r}", "the run was taken over by another worker")


class LdifError(InvalidSyntax):
    """An LDIF file cannot be read; `line` is where, counted from 1, or 0 when it is the file as a whole."""

    def __init__(self, path: str, line: int, reason: str) -> None:
        super().__init__(f"{path}, line {line}: {reason}" if line else f"{path}: {reason}")
        self.path = path
        self.line = line
        self.reason = reason


class NotOpen(CallerError):
    """A run is not in a state in which it could be decided upon."""


class PlanOutdated(CallerError):
    """The plan of a run no longer fits the directory; `differences` say what is not as it was."""

    def __init__(self, run: str, differences: Sequence[str]) -> None:
        more = f"; and {len(differences) - _NAMED} more" if len(differences) > _NAMED else ""
        named = "; ".join(differences[:_NAMED])
        super().__init__(f"the plan of run {run} no longer fits the directory: {named}{more}")
        self.differences = differences
