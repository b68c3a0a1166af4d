"""Spans of time as options take them: `90d`, `12h`, `30m`, `45s`."""

import re
from datetime import timedelta
from typing import Final

import typer

_FORM: Final = re.compile(r"(\d{1,6})([smhd])")
_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def duration(text: str, option: str) -> timedelta:
    """Return the span. Raises typer.BadParameter, which names the option."""
    found = _FORM.fullmatch(text)
    if found is None:
        raise typer.BadParameter(f"{text}: expected a number and s, m, h or d, like 90d or 12h", param_hint=option)
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


def lifetime(text: str | None, option: str = "--expires") -> timedelta | None:
    """Return how long something lasts; None without an end. Raises typer.BadParameter, also for no time at all."""
    if text is None:
        return None
    found = duration(text, option)
    if not found:
        raise typer.BadParameter("must be more than nothing", param_hint=option)
    return found
