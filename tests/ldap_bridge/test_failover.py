"""A server breaks off in the middle of a run or of logins: nobody is lost, and another one takes over."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager

import pytest

from idp.auth import Verdict
from idp.directory import Resource
from idp.errors import IdpError
from ldap_bridge.bind import open_verifier
from ldap_bridge.runs import State
from tests.ldap_bridge.conftest import Bridge
from tests.support.directory import SYSTEM
from tests.support.ldap_wire import CuttingProxy, Request, encode_done, encode_entry, responder
from tests.support.ldif import write_change
from tests.support.people import BASE, Company
from tests.support.ports import HOST
from tests.support.slapd import Slapd


class First:
    """The first server of two, which the test can break."""

    def __init__(self, port: int) -> None:
        self.proxy = CuttingProxy(port)
        self._running = ExitStack()
        self.url = f"ldap://{HOST}:{self._running.enter_context(self.proxy.running())}"

    def break_after(self, octets: int, *, hold: bool = False) -> None:
        """Let it hang up, or with `hold` fall silent, after so many octets more."""
        self.proxy.limit, self.proxy.hold = self.proxy.passed + octets, hold

    def go_down(self) -> None:
        """Refuse connections, and end those that there are."""
        self.break_after(0)
        self._running.close()


@pytest.fixture
def first(slapd: Slapd) -> Iterator[First]:
    made = First(slapd.port)
    yield made
    made.go_down()


@pytest.fixture
def bridge_by(slapd: Slapd, bridge_to: Callable[..., Bridge]) -> Callable[..., Bridge]:
    """Make a bridge to the company by some servers of its data."""
    account = {"bind_dn": slapd.admin_dn, "bind_password": slapd.admin_password}
    return lambda *urls: bridge_to([*urls], **account, connect_timeout=1, page_size=10)


@pytest.fixture
def bridge(slapd: Slapd, first: First, bridge_by: Callable[..., Bridge]) -> Bridge:
    """A bridge by two of them."""
    return bridge_by(first.url, slapd.url)


async def test_a_run_stays_with_its_server_and_the_next_goes_to_the_other(
    bridge: Bridge, first: First, slapd: Slapd, company: Company
) -> None:
    assert (await bridge.sync()).state == State.APPLIED
    gone = company.people[0]
    slapd.delete(gone.dn)
    first.break_after(20_000)
    run = await bridge.sync(whole=True)
    assert (run.state, run.counts["disable"], await bridge.inactive()) == (State.INCOMPLETE, 0, set())
    assert 0 < run.people < len(company.people)
    assert "closed the connection" in run.gaps[0]

    first.go_down()
    run = await bridge.sync()
    assert (run.state, run.whole, await bridge.inactive()) == (State.APPLIED, True, {gone.uid})
    assert run.why.startswith(f"another server answers: {slapd.url}")
    run = await bridge.sync()
    assert (run.state, run.whole) == (State.APPLIED, False)


async def test_changes_that_break_off_come_with_the_next_run(
    bridge_by: Callable[..., Bridge], first: First, slapd: Slapd, company: Company
) -> None:
    bridge = bridge_by(first.url)
    await bridge.sync()
    people = company.people[:6]
    for person in people:
        slapd.modify(write_change(person.dn, [("replace", "title", ["Chief"])]))
    for octets in range(100, 4_100, 800):
        first.break_after(octets)
        with pytest.raises(IdpError, match="'corp'"):
            await bridge.sync()
    first.proxy.limit = None
    run = await bridge.sync()
    assert (run.state, run.whole, run.counts["update"]) == (State.APPLIED, False, len(people))


@pytest.mark.parametrize("feed", ["auto", "full"])
async def test_a_run_goes_to_the_other_server_when_the_first_is_busy_with_its_searches(
    slapd: Slapd, bridge_to: Callable[..., Bridge], company: Company, feed: str
) -> None:
    with busy_but_for("") as url:
        bridge = bridge_to([url, slapd.url], feed=feed)
        trial = await bridge.service.test(SYSTEM, "corp")
        assert (trial.people, trial.complete) == (len(company.people), True)
        run = await bridge.sync()
        assert (run.state, run.people) == (State.APPLIED, len(company.people))
        run = await bridge.sync()
        assert (run.state, run.whole) == (State.APPLIED, feed == "full")


@contextmanager
def busy_but_for(base: str, *entries: str) -> Iterator[str]:
    """A server that finds these entries below one base, and is busy with other searches and with people's binds."""

    def answer(request: Request) -> list[bytes]:
        fits = request.base == base
        found = [encode_entry(dn, {}, request.message_id) for dn in entries] if fits else []
        return [*found, encode_done(0 if fits else 51, "later", None, request.message_id)]

    def bound(dn: str, _: bytes) -> tuple[int, str]:
        return (51, "later") if dn.startswith("uid=") else (0, "")

    with responder(answer, bound=bound) as port:
        yield f"ldap://{HOST}:{port}"


@pytest.mark.parametrize("base", ["", BASE])
async def test_a_login_goes_to_the_other_server_when_the_first_is_busy_with_search_or_bind(
    slapd: Slapd, bridge_to: Callable[..., Bridge], company: Company, base: str
) -> None:
    await bridge_to(slapd.url).sync()
    person = company.people[0]
    with busy_but_for(base, person.dn) as url:
        bridge = bridge_to([url, slapd.url])
        user = await bridge.person(person.uid)
        with closing(open_verifier(bridge.source, bridge.store)) as verifier:
            for password, verdict in ((person.password, Verdict.RIGHT), ("wrong", Verdict.WRONG)):
                assert await verifier.verify(Resource(user["id"], 1, user), password) is verdict


@pytest.mark.parametrize("hold", [False, True])
async def test_logins_go_on_at_the_other_server(bridge: Bridge, first: First, company: Company, hold: bool) -> None:
    await bridge.sync()
    people = company.people[:3]
    users = [Resource(user["id"], 1, user) for user in [await bridge.person(person.uid) for person in people]]
    with closing(open_verifier(bridge.source, bridge.store)) as verifier:
        assert await verifier.verify(users[0], people[0].password) is Verdict.RIGHT
        first.break_after(0, hold=hold)
        for user, person in zip(users, people, strict=True):
            assert await verifier.verify(user, person.password) is Verdict.RIGHT
            assert await verifier.verify(user, "wrong") is Verdict.WRONG
