"""How a directory stands: by its last run, with a letter to administrators when that becomes worse, and as metrics."""

from contextlib import suppress
from pathlib import Path

import pytest

from idp.access import Actor, ActorKind
from idp.app.directory_metrics import told
from idp.auth.sealing import Sealer
from idp.errors import IdpError, PermissionDenied
from idp.mail import Letter, Mailer
from idp.mail.compose import OUTBOX, opened
from idp.store import Store
from ldap_bridge.health import Health, Standing
from ldap_bridge.letters import AdministratorLetters
from tests.ldap_bridge.conftest import Bridge, Folk, bridge_over
from tests.support.clock import FakeClock
from tests.support.directory import SYSTEM, everything, person

ROOT = Actor(ActorKind.USER, "root", "root", role="root")
SEAL = Sealer([bytes(32)], bytes)
GONE = [f"p{number}" for number in range(1, 9)]


@pytest.fixture
async def told_bridge(any_store: Store, clock: FakeClock, folk: Folk) -> Bridge:
    """A bridge that writes to administrators, of whom there are two, one without an address, besides one who left."""
    numbers = iter(range(1000))
    mailer = Mailer(clock, lambda: f"letter-{next(numbers)}", SEAL, "Gatehouse", "https://id.example.test")
    letters = AdministratorLetters(any_store, mailer)
    bridge = bridge_over(any_store, clock, f"ldif:{folk.path}", letters=letters)
    people = (("root", "root", True), ("adm", "admin", True), ("left", "root", False), ("dev", "developer", True))
    for name, role, active in people:
        mails = [] if name == "adm" else [{"value": f"{name}@example.net"}]
        made = await bridge.directory.users.create(SYSTEM, {"userName": name, "emails": mails}, role=role)
        if not active:
            await bridge.directory.users.set_active(SYSTEM, made.id, False, "left")
    return bridge


async def letters(bridge: Bridge) -> list[Letter]:
    return [opened(document, SEAL) for document in await everything(bridge.store, OUTBOX)]


async def standing(bridge: Bridge) -> Standing:
    (found,) = await bridge.service.standings(SYSTEM)
    return found


async def test_a_letter_goes_out_once_when_it_becomes_worse(told_bridge: Bridge, folk: Folk, clock: FakeClock) -> None:
    assert (await standing(told_bridge)).health == Health.NEW
    await told_bridge.sync()
    assert ((await standing(told_bridge)).health, await letters(told_bridge)) == (Health.OK, [])
    folk.write(**dict.fromkeys(GONE))
    for _ in range(3):
        clock.advance(900)
        held = await told_bridge.sync()
    (letter,) = await letters(told_bridge)
    assert (letter.to, "waits for your decision" in letter.subject) == ("root@example.net", True)
    assert f"idp ldap approve {held.id}" in letter.text
    folk.write(p12={"title": "Chief"})
    await told_bridge.sync()
    assert len(await letters(told_bridge)) == 1, "another plan, but it waited already"
    written = folk.path.read_bytes()
    folk.path.write_bytes(written + b"\nbroken")
    for _ in range(2):
        with suppress(IdpError):
            await told_bridge.sync()
    assert len(await letters(told_bridge)) == 2
    assert "line " in (await letters(told_bridge))[1].text
    assert (await standing(told_bridge)).health == Health.FAILED


async def test_a_directory_that_is_well_again_says_since_when(
    told_bridge: Bridge, folk: Folk, clock: FakeClock
) -> None:
    written = folk.path.read_bytes()
    folk.path.write_bytes(b"broken")
    with suppress(IdpError):
        await told_bridge.sync()
    failed = await standing(told_bridge)
    clock.advance(60)
    folk.path.write_bytes(written)
    run = await told_bridge.sync()
    well = await standing(told_bridge)
    assert (failed.health, failed.success, failed.run == run.id) == (Health.FAILED, "", False)
    assert (well.health, well.since, well.success, well.people, well.groups) == (
        *(Health.OK, run.finished, run.finished),
        *(12, 1),
    )


async def test_entries_that_cannot_be_mapped_are_counted_and_the_first_are_named(
    told_bridge: Bridge, folk: Folk
) -> None:
    folk.write(**{f"p{number}": {"uid": " "} for number in range(1, 8)})
    await told_bridge.sync()
    stands = await standing(told_bridge)
    assert (stands.health, stands.problems, len(stands.left)) == (Health.OK, 7, 5)
    assert stands.left[0]["dn"] == "uid=p1,dc=example,dc=org"
    assert stands.left[0]["reason"]
    folk.write(**{f"p{number}": {"uid": f"p{number}"} for number in range(1, 8)})
    await told_bridge.sync()
    assert ((await standing(told_bridge)).problems, (await standing(told_bridge)).left) == (0, [])


async def test_a_rejected_plan_does_not_wait_any_more(told_bridge: Bridge, folk: Folk) -> None:
    await told_bridge.sync()
    folk.write(**dict.fromkeys(GONE))
    run = await told_bridge.sync()
    assert (await standing(told_bridge)).is_waiting
    await told_bridge.service.approvals.reject(ROOT, run.id)
    await told_bridge.sync()
    found = await standing(told_bridge)
    assert (found.health, found.is_waiting) == (Health.HELD, False)


async def test_not_everybody_sees_how_directories_stand(told_bridge: Bridge) -> None:
    assert await told_bridge.service.standings(person("adm", "admin"))
    with pytest.raises(PermissionDenied):
        await told_bridge.service.standings(person("eve"))


def test_metrics_tell_age_state_entries_and_what_waits(clock: FakeClock) -> None:
    now = clock.now()
    since = "2020-01-01T00:00:00.000Z"
    one = Standing("corp", Health.HELD, success=since, held="run", people=7, errors=2, conflicts=3, problems=700)
    text = told([one, Standing("new")], now).decode()
    for line in (
        'idp_ldap_health{source="corp",state="held"} 1.0',
        'idp_ldap_health{source="corp",state="ok"} 0.0',
        'idp_ldap_health{source="new",state="new"} 1.0',
        'idp_ldap_entries{kind="people",source="corp"} 7.0',
        'idp_ldap_errors{source="corp"} 2.0',
        'idp_ldap_conflicts{source="corp"} 3.0',
        'idp_ldap_problems{source="corp"} 700.0',
        'idp_ldap_held_plans{source="corp"} 1.0',
        'idp_ldap_held_plans{source="new"} 0.0',
    ):
        assert line in text
    assert 'idp_ldap_success_age_seconds{source="corp"} ' in text
    assert 'idp_ldap_success_age_seconds{source="new"}' not in text


def test_every_metric_of_directories_is_in_the_manual(clock: FakeClock) -> None:
    manual = (Path(__file__).parents[2] / "docs" / "operations.md").read_text()
    text = told([Standing("corp")], clock.now()).decode()
    names = [line.split()[2] for line in text.splitlines() if line.startswith("# TYPE")]
    assert len(names) == 7
    for name in names:
        assert f"`{name}`" in manual
