"""One typed key for each service that handlers find in the application; `idp.app` puts them there."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from aiohttp import web

from idp.config import Config

if TYPE_CHECKING:
    from collections.abc import Mapping

    from idp.audit import AuditLog
    from idp.auth import (
        ClientLog,
        Clients,
        Enrolment,
        Factors,
        Login,
        Passwords,
        PersonalTokens,
        Sealer,
        Sessions,
        Setup,
    )
    from idp.clock import Clock
    from idp.directory import Groups, Rehearsal, Resources, Users
    from idp.schema import Registry

CLOCK: Final[web.AppKey["Clock"]] = web.AppKey("clock")
SEALER: Final[web.AppKey["Sealer"]] = web.AppKey("sealer")
CONFIG: Final[web.AppKey[Config]] = web.AppKey("config")
NEW_ID: Final[web.AppKey[Callable[[], str]]] = web.AppKey("new_id")
REGISTRY: Final[web.AppKey["Registry"]] = web.AppKey("registry")
USERS: Final[web.AppKey["Users"]] = web.AppKey("users")
GROUPS: Final[web.AppKey["Groups"]] = web.AppKey("groups")
REHEARSE: Final[web.AppKey[Callable[[], "Rehearsal"]]] = web.AppKey("rehearse")
RESOURCES: Final[web.AppKey["Mapping[str, Resources]"]] = web.AppKey("resources")
AUDIT: Final[web.AppKey["AuditLog"]] = web.AppKey("audit")
CLIENTS: Final[web.AppKey["Clients"]] = web.AppKey("clients")
CLIENT_LOG: Final[web.AppKey["ClientLog"]] = web.AppKey("client_log")
PERSONAL_TOKENS: Final[web.AppKey["PersonalTokens"]] = web.AppKey("personal_tokens")
SESSIONS: Final[web.AppKey["Sessions"]] = web.AppKey("sessions")
LOGIN: Final[web.AppKey["Login"]] = web.AppKey("login")
ENROLMENT: Final[web.AppKey["Enrolment"]] = web.AppKey("enrolment")
FACTORS: Final[web.AppKey["Factors"]] = web.AppKey("factors")
SETUP: Final[web.AppKey["Setup"]] = web.AppKey("setup")
PASSWORDS: Final[web.AppKey["Passwords"]] = web.AppKey("passwords")
