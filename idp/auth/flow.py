"""The login flow as a table: its steps, the moves between them, and what is asked for next. Pure."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from idp.errors import CallerError


class Step(StrEnum):
    """Where a login stands; each but DONE is one page."""

    PASSWORD = "password"  # noqa: S105 - the name of a step
    SECOND_FACTOR = "second_factor"
    ENROL = "enrol"
    RECOVERY_CODES = "recovery_codes"
    NEW_PASSWORD = "new_password"  # noqa: S105 - the name of a step
    DONE = "done"


class FlowGone(CallerError):
    """The login is unknown, over, or has taken too long; the person starts again."""

    def __init__(self) -> None:
        super().__init__("this login has expired; please start again")


class IllegalMove(CallerError):
    """The login does not stand where this answer belongs (an old page, or two at once)."""

    def __init__(self, step: Step, wanted: str) -> None:
        super().__init__(f"the login is at {step}: {wanted} has no place there")
        self.step = step


MOVES: Final[Mapping[Step, frozenset[Step]]] = {
    Step.PASSWORD: frozenset({Step.SECOND_FACTOR, Step.ENROL, Step.NEW_PASSWORD, Step.DONE}),
    Step.SECOND_FACTOR: frozenset({Step.NEW_PASSWORD, Step.DONE}),
    # Who has no authenticator at hand takes a mailed code instead, where that is allowed.
    Step.ENROL: frozenset({Step.RECOVERY_CODES, Step.SECOND_FACTOR}),
    Step.RECOVERY_CODES: frozenset({Step.NEW_PASSWORD, Step.DONE}),
    Step.NEW_PASSWORD: frozenset({Step.DONE}),
    Step.DONE: frozenset(),
}


def move(step: Step, to: Step) -> Step:
    """Return the step moved to; raises IllegalMove when the table has no such move."""
    if to not in MOVES[step]:
        raise IllegalMove(step, f"the move to {to}")
    return to


def after_password(policy: str, *, enrolled: bool, can_enrol: bool, has_other: bool, must_change: bool) -> Step | None:
    """Return what follows a right password; None when a second factor is required and there is no way to one.

    `policy` is "off", "optional" or "required". Only an enrolled app is asked for where it is optional.
    """
    if policy != "off" and enrolled:
        return Step.SECOND_FACTOR
    if policy != "required":
        return after_factor(must_change=must_change)
    if can_enrol:
        return Step.ENROL
    return Step.SECOND_FACTOR if has_other else None


def after_factor(*, must_change: bool) -> Step:
    """Return what follows when nothing more is to be proven: a new password is asked for last, never of a stranger."""
    return Step.NEW_PASSWORD if must_change else Step.DONE


def return_path(text: str) -> str:
    """Return where to go after the login: a path on this host, or "/" for anything that could lead elsewhere."""
    # Browsers read a backslash as a slash and drop control characters, so `/\host` and `/<tab>/host` leave the site.
    harmless = text.startswith("/") and not text.startswith("//") and "\\" not in text
    return text if harmless and len(text) <= 2000 and text.isprintable() else "/"
