"""Second factors: a small contract, and one module for each kind."""

from idp.auth.factors.contract import Challenge, Factor, Proof
from idp.auth.factors.email_code import EmailCode
from idp.auth.factors.recovery import RecoveryCodes
from idp.auth.factors.totp import Totp

__all__ = ["Challenge", "EmailCode", "Factor", "Proof", "RecoveryCodes", "Totp"]
