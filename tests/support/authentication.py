"""Authentication over a real store, and a person with an authenticator app in her hand."""

import os
import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final
from uuid import uuid4

from idp.access import SYSTEM_ACTOR
from idp.auth import (
    Clients,
    Context,
    EmailCode,
    Enroller,
    Enrolment,
    FactorPolicy,
    Factors,
    Flows,
    FlowView,
    HashingPool,
    Lifetimes,
    LimitRules,
    Limits,
    LocalPasswords,
    Login,
    Newcomers,
    OneTimeTokens,
    PasswordEntry,
    PasswordRules,
    Passwords,
    PasswordVerifier,
    Profile,
    RecoveryCodes,
    Sealer,
    SecondFactors,
    Session,
    Sessions,
    Setup,
    Totp,
    UserCredentials,
    Verifiers,
)
from idp.directory import Resource, Users
from idp.mail import Mailer
from idp.mail.compose import Letter, opened
from idp.query import Query
from idp.schema import USER
from idp.store import Store
from tests.support.clock import FakeClock

SYSTEM: Final = SYSTEM_ACTOR("test")
HOME: Final = "192.0.2.7"
PASSWORD: Final = "a river runs uphill"
# The cheapest that argon2 knows: what is tested here does not depend on the cost.
CHEAP: Final = Profile(memory_kib=8, passes=1)
RULES: Final = LimitRules.parse(["10/5m"], ["5/5m", "20/1h", "50/1d"], ["50/5m"])


class CountingPool(HashingPool):
    """Hashes as ever, and counts how often."""

    def __init__(self, workers: int = 2, max_waiting: int = 64, profile: Profile = CHEAP) -> None:
        super().__init__(workers, max_waiting, profile)
        self.done = 0

    async def hash(self, password: str) -> str:
        self.done += 1
        return await super().hash(password)

    async def verify(self, stored: str, password: str) -> bool:
        self.done += 1
        return await super().verify(stored, password)

    async def verify_nobody(self, password: str) -> None:
        self.done += 1
        await super().verify_nobody(password)


@dataclass
class House:
    """Every service of authentication, wired over one store."""

    store: Store
    clock: FakeClock
    pool: CountingPool = field(default_factory=CountingPool)
    policy: FactorPolicy = field(default_factory=FactorPolicy)
    rules: LimitRules = RULES
    directories: Mapping[str, PasswordVerifier] = field(default_factory=dict)
    keys: tuple[bytes, ...] = (bytes(range(32)),)
    newcomers: Sequence[Newcomers] = ()

    def over(self, store: Store) -> "House":
        """Return the same house over another store, as another process would see it."""
        return House(store, self.clock, self.pool, self.policy, self.rules, self.directories, self.keys)

    @cached_property
    def sealer(self) -> Sealer:
        return Sealer(self.keys, os.urandom)

    @cached_property
    def password_rules(self) -> PasswordRules:
        return PasswordRules(min_length=10)

    @cached_property
    def credentials(self) -> UserCredentials:
        return UserCredentials(self.store, self.clock, self.pool, self.password_rules)

    @cached_property
    def users(self) -> Users:
        return Users(self.store, USER, self.clock, new_id, self.credentials)

    @cached_property
    def context(self) -> Context:
        mailer = Mailer(self.clock, new_id, self.sealer, "Gatehouse", "https://id.example.test")
        return Context(self.store, self.clock, self.users, mailer)

    @cached_property
    def limits(self) -> Limits:
        return Limits(self.store, self.clock, self.rules)

    @cached_property
    def tokens(self) -> OneTimeTokens:
        return OneTimeTokens(self.store, self.clock, os.urandom)

    @cached_property
    def sessions(self) -> Sessions:
        return Sessions(self.context, os.urandom, Lifetimes())

    @cached_property
    def entry(self) -> PasswordEntry:
        verifiers = Verifiers(LocalPasswords(self.store, self.pool), self.directories, self.pool)
        return PasswordEntry(self.context, verifiers, self.limits, self.newcomers)

    @cached_property
    def totp(self) -> Totp:
        return Totp(self.store, self.clock, os.urandom, self.sealer, "Gatehouse")

    @cached_property
    def recovery(self) -> RecoveryCodes:
        return RecoveryCodes(self.context, os.urandom)

    @cached_property
    def enroller(self) -> Enroller:
        return Enroller(self.context, self.totp, self.recovery)

    @cached_property
    def second(self) -> SecondFactors:
        mailed = EmailCode(self.context, os.urandom, self.sealer, self.limits)
        return SecondFactors(self.context, [self.totp, mailed, self.recovery], self.limits, self.policy)

    @cached_property
    def login(self) -> Login:
        flows = Flows(self.store, self.clock, os.urandom)
        parts = (self.entry, self.second, self.enroller, self.credentials, self.sessions)
        return Login(self.context, flows, *parts)

    @cached_property
    def enrolment(self) -> Enrolment:
        return Enrolment(self.context, self.entry, self.second, self.enroller, self.credentials)

    @cached_property
    def factors(self) -> Factors:
        return Factors(self.context, self.enroller, self.credentials, self.limits)

    @cached_property
    def passwords(self) -> Passwords:
        parts = (self.credentials, self.entry, self.sessions, self.tokens, self.limits, self.enroller)
        return Passwords(self.context, *parts)

    @cached_property
    def setup(self) -> Setup:
        return Setup(self.context, self.password_rules, self.tokens)

    @cached_property
    def clients(self) -> Clients:
        return Clients(self.store, self.clock, new_id, os.urandom)

    # --- scenes ---

    async def person(self, name: str = "ada", *, role: str = "user", source: str = "local", **more: Any) -> Resource:
        """Add somebody with a password and an address."""
        document = {"userName": name, "emails": [{"value": f"{name}@example.test", "primary": True}], **more}
        if source == "local":
            document.setdefault("password", PASSWORD)
        return await self.users.create(SYSTEM, document, role=role, source=source)

    async def enrolled(self, name: str = "ada", **more: Any) -> tuple[Resource, "App", tuple[str, ...]]:
        """Add somebody with an authenticator app; returns her, the app and her recovery codes."""
        user = await self.person(name, **more)
        secret, codes = await self.factors.enrol_totp_now(SYSTEM, user.id)
        return user, App(secret, self.clock), codes

    async def at_second_factor(self, name: str = "ada", password: str = PASSWORD, address: str = HOME) -> str:
        """Begin a login and give the right password; returns the flow's secret."""
        _, secret = await self.login.begin("/account", address)
        view = await self.login.password(secret, name, password, address)
        assert view.error is None
        return secret

    async def session(self, name: str, app: "App | None" = None) -> tuple[Session, str]:
        """Log somebody in, with a code of her app if she has one; returns session and cookie."""
        secret = await self.at_second_factor(name)
        if app:
            view = await self.login.factor(secret, app.code(), HOME)
            assert view.error is None
        return await self.login.finish(secret, HOME, "test")

    async def try_password(self, name: str, password: str, address: str = HOME) -> FlowView:
        """Begin a login and try a password."""
        _, secret = await self.login.begin("/", address)
        return await self.login.password(secret, name, password, address)

    async def everything(self, collection: str) -> list[dict[str, Any]]:
        """Return all documents of a collection."""
        return [record.document for record in (await self.store.find(collection, Query(limit=10_000))).records]

    async def events(self, tag: str = "") -> list[dict[str, Any]]:
        """Return what happened, oldest first."""
        return [event for event in await self.everything("audit") if event["tag"].startswith(tag)]

    async def letters(self, to: str = "") -> list[Letter]:
        """Return what waits in the outbox, oldest first."""
        found = [document for document in await self.everything("outbox") if to in document["to"]]
        return [opened(document, self.sealer) for document in sorted(found, key=lambda one: str(one["created"]))]

    async def mailed_code(self, to: str = "") -> str:
        """Return the login code mailed last."""
        codes = [letter for letter in await self.letters(to) if "login code" in letter.subject]
        return str(re.findall(r"\b\d{6}\b", codes[-1].text)[0])

    async def mailed_token(self, to: str = "") -> str:
        """Return the token of the link mailed last."""
        links = [match for letter in await self.letters(to) for match in re.findall(r"token=(\w+)", letter.text)]
        return str(links[-1])


@dataclass(frozen=True)
class App:
    """An authenticator app that nobody here wrote: oathtool, at the time of the test's clock."""

    secret: str = field(repr=False)
    clock: FakeClock

    def code(self, *, steps: int = 0) -> str:
        """Return the code of now, or of so many steps of 30 seconds later."""
        moment = int(self.clock.now().timestamp()) + 30 * steps
        command = ["oathtool", "--totp", "--base32", "--now", f"@{moment}", self.secret]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def new_id() -> str:
    """Return an id for something new."""
    return str(uuid4())
