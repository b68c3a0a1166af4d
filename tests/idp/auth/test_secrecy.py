"""Secrets: after everything that people and administrators do, none stands in the store, a log, a text or a repr."""

import logging
from collections.abc import Awaitable

import pytest

from idp.auth import FlowView, PendingTotp
from idp.config.model import Config, MailSettings, SecretSettings
from idp.directory.model import UserCreate
from idp.directory.ownership import Ownership
from idp.directory.user_plans import UserPlans
from idp.errors import IdpError
from idp.schema import USER
from idp.store.collections import collections
from ldap_bridge.sections import SourceSettings
from tests.support.authentication import HOME, PASSWORD, SYSTEM, App, House
from tests.support.clock import FakeClock

NEW = "a mountain walks at night"
TYPED = "a password in the wrong field"


class Story:
    """What was said aloud in the course of a day; the secrets of it, and every text that came back."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.secrets: set[str] = {PASSWORD, NEW, TYPED}
        self.texts: list[str] = []

    def heard(self, *things: object) -> None:
        """Keep how things show themselves."""
        self.texts += [text for thing in things for text in (repr(thing), str(thing), f"{thing}")]

    async def failing(self, *attempts: Awaitable[object]) -> None:
        """Let attempts fail, and keep what their errors say."""
        for attempt in attempts:
            with pytest.raises(IdpError) as caught:
                await attempt
            self.heard(caught.value, caught.getrepr(style="long"), caught.value.__dict__)

    async def live(self) -> None:
        """Go through a day."""
        house = self.house
        await house.person("ada")
        _, flow = await house.login.begin("/", HOME)
        view = await house.login.password(flow, TYPED, PASSWORD, HOME)
        view = await house.login.password(flow, "ada", PASSWORD, HOME)
        assert isinstance(view.enrolment, PendingTotp)
        app = App(view.enrolment.secret, house.clock)
        code = app.code()
        view, codes = await house.login.enrol_confirm(flow, code, HOME)
        self.secrets |= {flow, app.secret, code, view.csrf, *codes, *(one.replace("-", "") for one in codes)}
        await house.login.codes_seen(flow)
        session, cookie = await house.login.finish(flow, HOME, "browser")
        self.secrets |= {cookie, session.csrf}
        self.heard(view, session, app, await house.sessions.resume(cookie, HOME))
        await self.mailed(codes)
        await self.administered(cookie)

    async def mailed(self, codes: tuple[str, ...]) -> None:
        """Codes and links that go by mail."""
        house = self.house
        flow = await house.at_second_factor()
        await house.login.choose(flow, "email_code")
        code = await house.mailed_code()
        await self.failing(house.login.enrol_confirm(flow, code, HOME))
        self.heard(await house.login.factor(flow, "111111", HOME), await house.login.factor(flow, code, HOME))
        other = await house.at_second_factor()
        await house.login.choose(other, "recovery")
        self.heard(await house.login.factor(other, codes[0], HOME), *await house.letters())
        await house.passwords.request_reset("ada", HOME)
        token = await house.mailed_token()
        self.secrets |= {flow, other, code, token}
        self.heard(await house.tokens.peek("password", token), await house.passwords.reset_owner(token))
        await self.failing(house.passwords.reset(token, "short", HOME))
        await house.passwords.reset(token, NEW, HOME)
        await self.failing(house.passwords.reset(token, NEW, HOME), house.passwords.reset(token, PASSWORD, HOME))

    async def administered(self, cookie: str) -> None:
        """Tokens, a set-up link, and what an administrator does."""
        house = self.house
        setup = await house.setup.link_token()
        issued, bearer = await house.clients.create(SYSTEM, "hr")
        user = await house.users.by_login("ada")
        assert setup is not None
        assert user is not None
        secret, codes = await house.factors.enrol_totp_now(SYSTEM, user.id)
        self.secrets |= {setup, bearer, bearer[4:], secret, *codes}
        self.heard(issued, *await house.clients.tokens_of(SYSTEM, "hr"), await house.clients.authenticate(bearer, HOME))
        self.heard(house, house.sealer, house.pool, house.password_rules)
        await self.failing(
            house.clients.authenticate(bearer[:-1] + "!", HOME),
            house.setup.complete(setup, "/", "x@example.test", PASSWORD, HOME),
            house.setup.complete(setup + "x", "x", "x@example.test", PASSWORD, HOME),
            house.passwords.set(SYSTEM, user.id, PASSWORD[:6]),
            house.login.factor(cookie, codes[0], HOME),
        )
        self.secrets |= {house.sealer.open(one["sealed"], f"totp:{user.id}").decode() for one in await self.factors()}

    async def factors(self) -> list[dict[str, str]]:
        return await self.house.everything("factors")


async def test_no_secret_stands_anywhere_after_a_day_of_logins(house: House, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    story = Story(house)
    await story.live()
    stored = {name: str(await house.everything(name)) for name in collections()}
    assert len(story.secrets) > 30
    for secret in story.secrets:
        found = [name for name, text in stored.items() if secret in text]
        assert found == [], f"{secret} is stored"
        assert secret not in caplog.text
        assert [text for text in story.texts if secret in text] == []


def test_settings_and_plans_that_hold_secrets_do_not_show_them(clock: FakeClock) -> None:
    config = Config(mail=MailSettings(smtp=f"smtp://me:{TYPED}@mail.test"), secrets=SecretSettings(key=TYPED))
    source = SourceSettings(url="ldap://127.0.0.1", bind_dn="cn=idp", bind_password=TYPED)
    new = UserCreate({"userName": "ada", "password": TYPED})
    plan = UserPlans(USER, clock, Ownership(), strict_names=False).create(SYSTEM, new, "an id")
    assert plan.password == TYPED
    for thing in (config, config.mail, config.secrets, source, new, plan):
        assert TYPED not in f"{thing!r} {thing}"


async def test_the_search_would_find_a_secret_that_stands_somewhere(house: House) -> None:
    view, _ = await house.login.begin("/", HOME)
    story = Story(house)
    story.heard(FlowView(view.step, PASSWORD, "csrf"))
    assert any(PASSWORD in text for text in story.texts)
    await house.person("ada", displayName=PASSWORD)
    assert PASSWORD in str(await house.everything("users"))


async def test_the_outbox_holds_mail_that_only_the_key_opens(house: House) -> None:
    await house.person()
    await house.passwords.request_reset("ada", HOME)
    [letter] = await house.everything("outbox")
    assert set(letter) == {"id", "to", "template", "state", "attempts", "created", "due", "expires", "sealed"}
    assert "password" not in letter["sealed"]
    assert (await house.letters())[0].subject == "Set a new password for Gatehouse"
