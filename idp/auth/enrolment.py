"""Second factors of one's own account: set up, confirm, renew, switch off."""

from idp.auth.sessions import Session
from idp.auth.views import PendingTotp


class Enrolment:
    """What the account page offers. A wrong code or password raises InvalidValue; too many of them RateLimited."""

    async def status(self, session: Session) -> dict[str, int | bool | str]:
        """Return {"totp": bool, "recovery_codes": how many are left, "policy": "off" | "optional" | "required"}."""
        raise NotImplementedError

    async def totp_begin(self, session: Session) -> PendingTotp:
        """Return a secret to be confirmed; the one in use stays in force until then."""
        raise NotImplementedError

    async def totp_pending(self, session: Session) -> PendingTotp | None:
        """Return the secret that this session began with, while it can be confirmed."""
        raise NotImplementedError

    async def totp_confirm(self, session: Session, code: str, address: str) -> tuple[str, ...]:
        """Put the pending secret into force; returns new recovery codes, to be shown this once."""
        raise NotImplementedError

    async def totp_disable(self, session: Session, password: str, code: str, address: str) -> None:
        """Remove TOTP and recovery codes; raises PermissionDenied where the policy requires a second factor."""
        raise NotImplementedError

    async def regenerate_recovery(self, session: Session, code: str, address: str) -> tuple[str, ...]:
        """Return ten new recovery codes, the old ones being void; `code` is a current TOTP code."""
        raise NotImplementedError
