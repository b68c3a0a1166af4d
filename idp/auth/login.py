"""The login: a stored flow taken step by step; every method says where it stands then."""

from idp.auth.sessions import Session
from idp.auth.views import FlowView


class Login:
    """Takes a person from nothing to a session.

    Each method takes the flow's secret from the cookie `idp_flow`. All raise FlowGone when there is no such login,
    IllegalMove when it stands elsewhere, RateLimited after too many wrong answers, Overloaded and Unavailable.
    A wrong answer is no exception: the view comes back at the same step with `error` set.
    """

    async def begin(self, next: str, address: str) -> tuple[FlowView, str]:
        """Start a login that will lead to the path `next`; returns the view and the flow's secret."""
        raise NotImplementedError

    async def view(self, flow_secret: str) -> FlowView | None:
        """Return where the login stands, None when there is none."""
        raise NotImplementedError

    async def password(self, flow_secret: str, username: str, password: str, address: str) -> FlowView:
        """Try a name and a password; the error is one sentence for unknown, wrong and inactive."""
        raise NotImplementedError

    async def choose(self, flow_secret: str, factor: str) -> FlowView:
        """Choose a second factor of those the view offers, and begin it: a mailed code is sent (again)."""
        raise NotImplementedError

    async def factor(self, flow_secret: str, code: str, address: str) -> FlowView:
        """Try a code of the chosen factor."""
        raise NotImplementedError

    async def enrol_confirm(self, flow_secret: str, code: str, address: str) -> tuple[FlowView, tuple[str, ...]]:
        """Confirm the pending secret with its first code; returns the recovery codes, to be shown this once."""
        raise NotImplementedError

    async def codes_seen(self, flow_secret: str) -> FlowView:
        """Go on from the page with the recovery codes."""
        raise NotImplementedError

    async def new_password(self, flow_secret: str, password: str, address: str) -> FlowView:
        """Set the new password that is asked for; the error names the rule that it breaks."""
        raise NotImplementedError

    async def finish(self, flow_secret: str, address: str, agent: str) -> tuple[Session, str]:
        """Turn a login that is DONE into a session, once; returns it and the secret for the cookie `idp_session`."""
        raise NotImplementedError
