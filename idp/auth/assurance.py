"""What a session must have proven before the ways to log in are changed."""

from typing import Final

from idp.auth.enroller import Enroller
from idp.auth.limits import Kind
from idp.auth.sessions import Session
from idp.errors import CallerError, PermissionDenied

OF_THE_APP: Final = frozenset({Kind.TOTP, Kind.RECOVERY})
TWO_FACTORS: Final = 2


class StaleLogin(PermissionDenied):
    """The session is too old for this, or has proven too little; a new login is asked for."""

    def __init__(self) -> None:
        CallerError.__init__(self, "for this you must have logged in just now; please log out and in again")
        self.verb, self.area = "update", "account"


async def demand_more_than_the_mailbox(session: Session, enroller: Enroller) -> None:
    """Refuse a session that took a mailed code in place of an app that is set up. Raises StaleLogin."""
    if session.aal < TWO_FACTORS and Kind.EMAIL_CODE in session.amr and await enroller.is_enrolled(session.user):
        raise StaleLogin
