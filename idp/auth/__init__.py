"""Who somebody is: passwords, second factors, the login flow, sessions and tokens."""

from idp.auth.clients import (
    Client,
    ClientLog,
    Clients,
    ClientSettings,
    ClientToken,
    Issued,
    LogEntry,
    Rates,
    RefusedClient,
    scopes_of,
)
from idp.auth.context import Context
from idp.auth.credentials import UserCredentials, passwords_ended
from idp.auth.enroller import Enroller
from idp.auth.enrolment import Enrolment
from idp.auth.entry import PasswordEntry
from idp.auth.factors import EmailCode, RecoveryCodes, Totp
from idp.auth.flow import FlowGone, IllegalMove, Step
from idp.auth.flows import Flows
from idp.auth.hashing import HashingPool, Profile
from idp.auth.key_file import KeyFile
from idp.auth.limits import LimitRules, Limits
from idp.auth.login import Login
from idp.auth.password_rules import PasswordRules
from idp.auth.passwords import Passwords
from idp.auth.personal_tokens import PersonalTokens
from idp.auth.reset_factors import Factors
from idp.auth.sealing import SealBroken, Sealer
from idp.auth.second import FactorPolicy, SecondFactors
from idp.auth.sessions import Lifetimes, Session, Sessions
from idp.auth.setup import Setup
from idp.auth.tokens import OneTimeTokens
from idp.auth.verifiers import CACHED_PASSWORDS, Arrival, LocalPasswords, Newcomers, PasswordVerifier, Verifiers
from idp.auth.views import FlowView, PendingTotp, Verdict

__all__ = [
    "CACHED_PASSWORDS",
    "Arrival",
    "Client",
    "ClientLog",
    "ClientSettings",
    "ClientToken",
    "Clients",
    "Context",
    "EmailCode",
    "Enroller",
    "Enrolment",
    "FactorPolicy",
    "Factors",
    "FlowGone",
    "FlowView",
    "Flows",
    "HashingPool",
    "IllegalMove",
    "Issued",
    "KeyFile",
    "Lifetimes",
    "LimitRules",
    "Limits",
    "LocalPasswords",
    "LogEntry",
    "Login",
    "Newcomers",
    "OneTimeTokens",
    "PasswordEntry",
    "PasswordRules",
    "PasswordVerifier",
    "Passwords",
    "PendingTotp",
    "PersonalTokens",
    "Profile",
    "Rates",
    "RecoveryCodes",
    "RefusedClient",
    "SealBroken",
    "Sealer",
    "SecondFactors",
    "Session",
    "Sessions",
    "Setup",
    "Step",
    "Totp",
    "UserCredentials",
    "Verdict",
    "Verifiers",
    "passwords_ended",
    "scopes_of",
]
