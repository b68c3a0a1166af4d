"""Time as an argument: what a service asks for the current moment."""

import re
from datetime import UTC, datetime
from typing import Final, Protocol

# `fromisoformat` reads much more: weeks, hours alone, any sign in place of the T or before the offset.
_XSD_DATE_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)?", re.ASCII)


class Clock(Protocol):
    """Tells the time; services take one in their constructor so that tests can move it."""

    def now(self) -> datetime:
        """Return the current moment, timezone-aware, in UTC."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Return the current moment in UTC."""
        return datetime.now(UTC)


def to_text(moment: datetime) -> str:
    """Write a moment as RFC 7643 section 2.3.5 asks (xsd:dateTime), in UTC, with milliseconds and a Z."""
    utc = moment if moment.tzinfo is UTC else moment.astimezone(UTC)
    return f"{utc.isoformat(timespec='milliseconds')[:-6]}Z"  # in place of +00:00


def from_text(text: str) -> datetime:
    """Read an xsd:dateTime; a moment without an offset is taken as UTC. Raises ValueError."""
    if not _XSD_DATE_TIME.fullmatch(text):
        raise ValueError(f"{text!r:.100} is no xsd:dateTime")
    moment = datetime.fromisoformat(text)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
