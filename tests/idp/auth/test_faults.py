"""Whatever call to the store fails, and however: nothing is half done, and no code works twice."""

import asyncio
import re
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from idp.auth import LimitRules, Session
from idp.auth.lockout import Lockout
from idp.errors import IdpError
from idp.store import Store, open_store
from idp.store.collections import collections
from tests.support.authentication import HOME, PASSWORD, SYSTEM, App, CountingPool, House
from tests.support.clock import FakeClock
from tests.support.faulty_store import Fault, FaultyStore

NEW = "a mountain walks at night"
# Counters of failures are left out: a lost answer may leave one more counted, never one less.
WATCHED = ("users", "credentials", "factors", "recovery", "codes", "flows", "sessions", "tokens", "clients", "settings")
# What may happen twice when it is done again after a lost answer: telling, and issuing.
REPEATED = ("audit", "outbox", "client_tokens")
# What is different each time by its nature.
# A password is set anew, and counted, when a commit was made but denied: that is the same password still.
SECRET = {"id", "hash", "sealed", "enrolment", "client", "generation"}
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
# So that tries which fail do not add up.
BOUNDLESS = LimitRules(Lockout(()), Lockout(()), Lockout(()), Lockout(()), Lockout(()))


@dataclass
class Scene:
    """People and logins at every step."""

    now: datetime
    ids: tuple[str, ...]
    app: App
    codes: tuple[str, ...]
    session: Session
    cookie: str
    flows: Mapping[str, str]
    new_app: App
    mailed: str
    reset: str
    link: str
    bearer: str


async def set_scene(house: House) -> Scene:
    ada, app, codes = await house.enrolled("ada")
    session, cookie = await house.session("ada", app)
    house.clock.advance(60)
    flows = {}
    _, flows["password"] = await house.login.begin("/", HOME)
    for step in ("totp", "email_code", "recovery"):
        flows[step] = await house.at_second_factor("ada")
        await house.login.choose(flows[step], step)
    eve, bob = await house.person("eve"), await house.person("bob")
    flows["enrol"] = await house.at_second_factor("eve")
    view = await house.login.view(flows["enrol"])
    assert view is not None
    assert view.enrolment is not None
    await house.users.set_mfa_policy(SYSTEM, eve.id, "off")
    flows["done"] = await house.at_second_factor("eve")
    await house.passwords.set(SYSTEM, bob.id, PASSWORD, must_change=True)
    await house.users.set_mfa_policy(SYSTEM, bob.id, "off")
    flows["new"] = await house.at_second_factor("bob")
    await house.users.set_mfa_policy(SYSTEM, eve.id, None)
    await house.passwords.request_reset("ada", HOME)
    ids = (ada.id, eve.id, bob.id)
    reset, link = await house.mailed_token("ada"), await house.setup.link_token()
    _, bearer = await house.clients.create(SYSTEM, "hr")
    new_app = App(view.enrolment.secret, house.clock)
    mailed = await house.mailed_code("ada")
    now = house.clock.advance(90)
    return Scene(now, ids, app, codes, session, cookie, flows, new_app, mailed, reset, link or "", bearer)


Deed = Callable[[House, Scene], Awaitable[object]]
DEEDS: Mapping[str, Deed] = {
    "begin": lambda h, s: h.login.begin("/", HOME),
    "view": lambda h, s: h.login.view(s.flows["enrol"]),
    "right password": lambda h, s: h.login.password(s.flows["password"], "ada", PASSWORD, HOME),
    "wrong password": lambda h, s: h.login.password(s.flows["password"], "ada", "wrong", HOME),
    "unknown name": lambda h, s: h.login.password(s.flows["password"], "nobody", "wrong", HOME),
    "choose": lambda h, s: h.login.choose(s.flows["totp"], "email_code"),
    "app": lambda h, s: h.login.factor(s.flows["totp"], code_of(s.app, s), HOME),
    "wrong code": lambda h, s: h.login.factor(s.flows["totp"], "000000", HOME),
    "mailed code": lambda h, s: h.login.factor(s.flows["email_code"], s.mailed, HOME),
    "recovery code": lambda h, s: h.login.factor(s.flows["recovery"], s.codes[0], HOME),
    "enrol": lambda h, s: h.login.enrol_confirm(s.flows["enrol"], code_of(s.new_app, s), HOME),
    "new password": lambda h, s: h.login.new_password(s.flows["new"], NEW, HOME),
    "finish": lambda h, s: h.login.finish(s.flows["done"], HOME, ""),
    "resume": lambda h, s: h.sessions.resume(s.cookie, HOME),
    "log out": lambda h, s: h.sessions.end(s.session, HOME),
    "end one": lambda h, s: h.sessions.end_one(s.session, s.session.id, HOME),
    "end others": lambda h, s: h.sessions.end_others(s.session, HOME),
    "begin to enrol": lambda h, s: h.enrolment.totp_begin(s.session),
    "renew recovery": lambda h, s: h.enrolment.regenerate_recovery(s.session, code_of(s.app, s), HOME),
    "change password": lambda h, s: h.passwords.change(s.session, PASSWORD, NEW, HOME),
    "set password": lambda h, s: h.passwords.set(SYSTEM, s.ids[0], NEW),
    "forget password": lambda h, s: h.passwords.request_reset("ada", HOME),
    "send a link": lambda h, s: h.passwords.send_reset(SYSTEM, s.ids[0]),
    "reset password": lambda h, s: h.passwords.reset(s.reset, NEW, HOME),
    "reset factor": lambda h, s: h.factors.reset(SYSTEM, s.ids[0]),
    "enrol now": lambda h, s: h.factors.enrol_totp_now(SYSTEM, s.ids[0]),
    "set-up link": lambda h, s: h.setup.link_token(),
    "set up": lambda h, s: h.setup.complete(s.link, "root", "root@example.test", PASSWORD, HOME),
    "issue a token": lambda h, s: h.clients.create(SYSTEM, "hr"),
    "use a token": lambda h, s: h.clients.authenticate(s.bearer, HOME),
    "replace a token": lambda h, s: h.clients.rotate(SYSTEM, "hr", timedelta(hours=1)),
    "change a client": lambda h, s: h.clients.update(SYSTEM, "hr", lambda one: replace(one, source="people")),
    "delete a client": lambda h, s: h.clients.delete(SYSTEM, "hr"),
}


def code_of(app: App, scene: Scene) -> str:
    return App(app.secret, FakeClock(scene.now)).code()


State = Mapping[str, list[str]]


async def state_of(house: House, scene: Scene) -> State:
    found = {name: [seen(one, scene) for one in await house.everything(name)] for name in (*WATCHED, *REPEATED)}
    return {name: sorted(set(rows) if name in REPEATED else rows) for name, rows in found.items()}


def seen(document: Mapping[str, object], scene: Scene) -> str:
    text = str({key: value for key, value in document.items() if key not in SECRET})
    return UUID.sub(lambda match: match[0] if match[0] in scene.ids else "new", text)


def without_refusals(state: State) -> State:
    """Forget that a code was refused: of a commit that was made but denied, the second try finds it used."""
    return {**state, "audit": [event for event in state["audit"] if "auth:factor:failed" not in event]}


class Stage:
    """The scene, set once and opened as often as it is needed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._opened: list[Store] = []
        self._pool = CountingPool()
        self.scene = asyncio.run(self._set())

    async def open(self) -> House:
        path = self._folder / f"{len(self._opened)}.sqlite"
        shutil.copy(self._folder / "scene.sqlite", path)
        return await self._house(path, FakeClock(self.scene.now))

    async def close(self) -> None:
        for store in self._opened:
            await store.close()
        self._opened.clear()

    async def _set(self) -> Scene:
        clock = FakeClock()
        scene = await set_scene(await self._house(self._folder / "scene.sqlite", clock))
        await self.close()
        return scene

    async def _house(self, path: Path, clock: FakeClock) -> House:
        store = await open_store(f"sqlite:{path}", collections(), clock)
        self._opened.append(store)
        return House(store, clock, self._pool, rules=BOUNDLESS)


@pytest.fixture(scope="module")
def set_stage(tmp_path_factory: pytest.TempPathFactory) -> Stage:
    return Stage(tmp_path_factory.mktemp("stage"))


@pytest.fixture
async def stage(set_stage: Stage) -> AsyncIterator[Stage]:
    yield set_stage
    await set_stage.close()


@pytest.mark.parametrize("deed", DEEDS)
async def test_a_deed_is_done_whole_or_not_at_all(stage: Stage, deed: str) -> None:
    house = await stage.open()
    before = await state_of(house, stage.scene)
    await DEEDS[deed](house, stage.scene)
    after = await state_of(house, stage.scene)
    found = after
    for fault in Fault:
        at, reached = 1, True
        while reached:
            if found != before:
                house = await stage.open()
            faulty = FaultyStore(house.store, at, fault)
            failed = await outcome(DEEDS[deed], house.over(faulty), stage.scene)
            reached = faulty.has_failed
            found = await state_of(house, stage.scene)
            assert found in (before, after) or without_refusals(found) == after, f"{fault} call {at}: {failed!r}"
            at += 1
        assert at > 2


async def outcome(deed: Deed, house: House, scene: Scene) -> IdpError | None:
    try:
        await deed(house, scene)
    except IdpError as error:
        return error
    return None


async def test_a_link_whose_commit_was_made_but_denied_is_sent_once(stage: Stage) -> None:
    house = await stage.open()
    faulty = FaultyStore(house.store, 1, Fault.DENIED, frozenset({"commit"}))
    before = len(await house.letters("ada"))
    await house.over(faulty).passwords.send_reset(SYSTEM, stage.scene.ids[0])
    assert faulty.calls == 2
    assert len(await house.letters("ada")) == before + 1
    assert await house.passwords.reset_owner(await house.mailed_token("ada"))
