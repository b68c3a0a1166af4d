"""How authentication is wired: passwords, factors, login, sessions, tokens."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from idp.app.directory_logins import DirectoryLogins
from idp.app.foundation import Foundation, new_id
from idp.auth import (
    ClientLog,
    Clients,
    EmailCode,
    Enroller,
    Enrolment,
    FactorPolicy,
    Factors,
    Flows,
    Lifetimes,
    LimitRules,
    Limits,
    LocalPasswords,
    Login,
    OneTimeTokens,
    PasswordEntry,
    Passwords,
    PersonalTokens,
    Rates,
    RecoveryCodes,
    SecondFactors,
    Sessions,
    Setup,
    Totp,
    Verifiers,
    scopes_of,
)
from idp.config import Config
from scim.profiles import PROFILES


@dataclass(frozen=True, slots=True)
class Authentication:
    """What pages and commands ask of it."""

    clients: Clients
    client_log: ClientLog
    personal_tokens: PersonalTokens
    sessions: Sessions
    login: Login
    enrolment: Enrolment
    factors: Factors
    passwords: Passwords
    setup: Setup


def authentication(base: Foundation, directories: DirectoryLogins, rates: Rates | None = None) -> Authentication:
    """Wire it over the foundation. `rates` are shared by the processes that serve together."""
    context, config = base.context, base.config
    limits = Limits(base.store, base.clock, limit_rules(config, directories.limits))
    verifiers = Verifiers(LocalPasswords(base.store, base.pool), directories.verifiers, base.pool)
    entry = PasswordEntry(context, verifiers, limits, directories.newcomers)
    totp = Totp(base.store, base.clock, os.urandom, base.sealer, config.login.issuer)
    recovery = RecoveryCodes(context, os.urandom, config.login.recovery_codes)
    mailed = EmailCode(context, os.urandom, base.sealer, limits, timedelta(seconds=config.login.code_lifetime))
    policy = FactorPolicy(config.login.mfa, frozenset(config.login.factors))
    second = SecondFactors(context, [totp, mailed, recovery], limits, policy)
    enroller = Enroller(context, totp, recovery)
    sessions = Sessions(context, os.urandom, lifetimes(config))
    tokens = OneTimeTokens(base.store, base.clock, os.urandom)
    flows = Flows(base.store, base.clock, os.urandom)
    return Authentication(
        clients=provisioning_clients(base, rates),
        client_log=ClientLog(base.store, base.clock, new_id),
        personal_tokens=PersonalTokens(base.store, base.clock, base.users, os.urandom),
        sessions=sessions,
        login=Login(context, flows, entry, second, enroller, base.credentials, sessions),
        enrolment=Enrolment(context, entry, second, enroller, base.credentials),
        factors=Factors(context, enroller, base.credentials, limits),
        passwords=Passwords(context, base.credentials, entry, sessions, tokens, limits, enroller),
        setup=Setup(context, base.rules, tokens),
    )


def provisioning_clients(base: Foundation, rates: Rates | None) -> Clients:
    """Return the service for SCIM clients, which have scopes for every type of resource."""
    scopes = scopes_of(base.registry.resource_types.values())
    return Clients(base.store, base.clock, new_id, os.urandom, rates=rates, scopes=scopes, profiles=tuple(PROFILES))


def limit_rules(config: Config, directories: Sequence[str]) -> LimitRules:
    """Return how many failures are allowed, by the settings and so that no directory locks anybody out."""
    login = config.login
    return LimitRules.parse([*login.account_limits, *directories], login.factor_limits, login.source_limits)


def lifetimes(config: Config) -> Lifetimes:
    """Return how long sessions last."""
    return Lifetimes(timedelta(seconds=config.login.session_idle), timedelta(seconds=config.login.session_max))
