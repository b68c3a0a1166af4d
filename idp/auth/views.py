"""What pages are told of a login and of an enrolment."""

from dataclasses import dataclass, field
from enum import StrEnum

from idp.auth.flow import Step


class Verdict(StrEnum):
    """What a password verifier says of a password."""

    RIGHT = "right"
    WRONG = "wrong"
    EXPIRED = "expired"
    MUST_CHANGE = "must_change"
    ABSENT = "absent"
    """There is nothing to check it against; whoever asked takes the time that a check takes."""
    EXPIRING = "expiring"
    """Right, and soon to expire."""
    GRACE = "grace"
    """Right and expired, but accepted a few times more."""
    CACHED = "cached"
    """Right when the directory was last asked, which is down."""
    DISABLED = "disabled"
    """Right, but the account is disabled where it is kept."""
    ENDED = "ended"
    """Right, but the account's time is over."""
    NOT_NOW = "not_now"
    """Right, but the account may not be used at this time or from here."""
    HELD = "held"
    """Right, but a conflict or a limit stands against making the account."""
    LOCKED = "locked"
    """The account is locked after too many failures: said of any password, so it proves nothing."""
    UNWILLING = "unwilling"
    """The directory refuses the account without a reason, whatever the password."""

    @property
    def is_right(self) -> bool:
        """Whether the password was right and may be used."""
        return self in (Verdict.RIGHT, Verdict.EXPIRING, Verdict.GRACE, Verdict.CACHED, Verdict.MUST_CHANGE)


@dataclass(frozen=True, slots=True)
class PendingTotp:
    """A secret that waits to be confirmed: as text to type in, as otpauth URI, and as SVG to put into a page.

    The SVG has no style attributes, so a strict Content-Security-Policy lets it be.
    """

    secret: str = field(repr=False)
    uri: str = field(repr=False)
    qr_svg: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class FlowView:
    """A login as its page shows it.

    `factor` is the kind chosen at SECOND_FACTOR, `factors` those that can be chosen there, the preferred one first;
    at ENROL `factors` names what may be used instead of enrolling. `address_hint` is the masked address that a code
    was mailed to. `rules` are the password rules to show at NEW_PASSWORD. `notice` and `error` are sentences for the
    person: what is good to know, and why it did not go on.
    """

    step: Step
    next: str
    csrf: str = field(repr=False)
    factor: str | None = None
    factors: tuple[str, ...] = ()
    address_hint: str | None = None
    enrolment: PendingTotp | None = None
    rules: tuple[str, ...] = ()
    notice: str = ""
    error: str | None = None
