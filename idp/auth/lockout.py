"""When to stop somebody from guessing: a pure computation over the moments of past failures."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from math import ceil
from typing import Final

_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400}


@dataclass(frozen=True, slots=True)
class Rule:
    """At most so many failures within so many seconds."""

    failures: int
    seconds: int

    @classmethod
    def parse(cls, text: str) -> "Rule":
        """Read `10/5m`, as settings write it. Raises ValueError."""
        failures, _, span = text.partition("/")
        return cls(int(failures), int(span[:-1]) * _UNITS[span[-1]])


@dataclass(frozen=True, slots=True)
class Lockout:
    """Rules that all hold at once.

    `in_a_row` is the number of failures without a success after which nothing helps but a reset (NIST SP 800-63B
    section 3.2.2 puts it at 100 at most).
    """

    rules: tuple[Rule, ...]
    in_a_row: int | None = None

    @classmethod
    def parse(cls, texts: Iterable[str], in_a_row: int | None = None) -> "Lockout":
        """Read the rules as settings write them. Raises ValueError."""
        return cls(tuple(Rule.parse(text) for text in texts), in_a_row)


@dataclass(frozen=True, slots=True)
class History:
    """The moments (epoch seconds) of recent failures, oldest first, and how many there were since the last success."""

    moments: tuple[float, ...] = ()
    in_a_row: int = 0


def wait(lockout: Lockout, history: History, now: float) -> int:
    """Return the seconds to wait until the next attempt is allowed; 0 when it is allowed now."""
    return max((_wait(rule, history.moments, now) for rule in lockout.rules), default=0)


def is_blocked(lockout: Lockout, history: History) -> bool:
    """Tell whether waiting does not help any more."""
    return lockout.in_a_row is not None and history.in_a_row >= lockout.in_a_row


def failed(lockout: Lockout, history: History, now: float) -> History:
    """Return the history with one more failure, without those that no rule looks at any more."""
    # A moment that lies ahead (a clock was set back) counts as now: nobody is locked out for longer than a rule says.
    moments = (*(min(moment, now) for moment in history.moments), now)
    kept = max((rule.failures for rule in lockout.rules), default=0)
    longest = _longest(lockout)
    recent = tuple(moment for moment in moments if now - moment < longest)
    return History(recent[max(0, len(recent) - kept) :], history.in_a_row + 1)


def taken_back(history: History, moment: float) -> History:
    """Return the history without the failure of that moment, which was none after all."""
    if moment not in history.moments:
        return history
    moments = list(history.moments)
    moments.remove(moment)
    return replace(history, moments=tuple(moments), in_a_row=max(0, history.in_a_row - 1))


def kept_until(lockout: Lockout, now: float) -> float | None:
    """Return the moment after which a history that ends now says nothing any more, None for never."""
    return None if lockout.in_a_row is not None else now + _longest(lockout)


def _wait(rule: Rule, moments: tuple[float, ...], now: float) -> int:
    if len(moments) < rule.failures:
        return 0
    remaining = min(moments[-rule.failures], now) + rule.seconds - now
    return max(0, ceil(remaining))


def _longest(lockout: Lockout) -> int:
    return max((rule.seconds for rule in lockout.rules), default=0)
