"""Values as people read them; templates use these as filters."""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from idp.clock import from_text

_SYSTEMS: Final = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
)
# In this order: every browser also names those it descends from.
_BROWSERS: Final = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
    ("curl/", "curl"),
)
_JOINTS: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|_")
_UNITS: Final = ((86400, "day"), (3600, "hour"), (60, "minute"), (1, "second"))


def initials(name: str) -> str:
    """Return one or two letters that stand for a person."""
    words = [word for word in name.replace("@", " ").replace(".", " ").split() if word[0].isalnum()]
    return "".join(word[0] for word in (words[:1] + words[-1:] if len(words) > 1 else words)).upper() or "?"


def utc(text: str) -> str:
    """Write a stored moment for people; the script puts it into their own time zone."""
    try:
        return f"{from_text(text):%-d %b %Y, %H:%M} UTC"
    except ValueError:
        return text


def duration(seconds: float) -> str:
    """Write a time to wait, rounded up to its largest unit."""
    for length, unit in _UNITS:
        if seconds >= length or length == 1:
            count = max(1, -(-int(seconds) // length))
            return f"{count} {unit}{'' if count == 1 else 's'}"
    return ""


def browser(agent: str) -> str:
    """Name the browser and system of a User-Agent header; the header itself is for machines."""
    name = next((title for mark, title in _BROWSERS if mark in agent), "")
    system = next((title for mark, title in _SYSTEMS if mark in agent), "")
    return " on ".join(part for part in (name, system) if part) or "Unknown device"


def source(text: str) -> str:
    """Say where an account or a group comes from: `ldap:corp`, `scim:<client>`, `local`."""
    kind, _, name = text.partition(":")
    return {"ldap": f"Directory {name}", "scim": f"SCIM client {name}"}.get(kind, "Local")


def words(name: str) -> str:
    """Write an attribute's name as words: `phoneNumbers`, `members_added`."""
    text = _JOINTS.sub(" ", name)
    return text[:1].upper() + text[1:].lower()


def grouped(secret: str) -> str:
    """Write a secret in groups of four letters, as people type it."""
    return " ".join(secret[start : start + 4] for start in range(0, len(secret), 4))


def why(status: Mapping[str, Any]) -> str:
    """Say why and since when an account is in the state it is in."""
    parts = [str(status["reason"]).rstrip(".")] if status.get("reason") else []
    parts += [f"since {utc(str(status['since']))}"] if status.get("since") else []
    parts += [f"by {status['by']}"] if status.get("by") else []
    text = ", ".join(parts)
    return f"{text[:1].upper()}{text[1:]}." if text else ""


FILTERS: Final[Mapping[str, Callable[..., str]]] = {
    each.__name__: each for each in (initials, utc, duration, browser, source, grouped, why)
}
