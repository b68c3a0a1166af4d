"""Who somebody is: passwords, second factors, the login flow, sessions and tokens."""

from idp.auth.enrolment import Enrolment
from idp.auth.flow import FlowGone, IllegalMove, Step
from idp.auth.login import Login
from idp.auth.passwords import Passwords
from idp.auth.sessions import Session, Sessions
from idp.auth.setup import Setup
from idp.auth.views import FlowView, PendingTotp, Verdict

__all__ = [
    "Enrolment",
    "FlowGone",
    "FlowView",
    "IllegalMove",
    "Login",
    "Passwords",
    "PendingTotp",
    "Session",
    "Sessions",
    "Setup",
    "Step",
    "Verdict",
]
