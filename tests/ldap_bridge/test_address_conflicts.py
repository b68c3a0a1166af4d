"""An address that comes to somebody who is here already, while another account has it, waits for a decision."""

import pytest

from idp.access import Actor, ActorKind
from idp.errors import InvalidValue
from ldap_bridge.conflicts import Choice
from ldap_bridge.runs import Run
from tests.ldap_bridge.conftest import Bridge, Folk
from tests.support.directory import PROVISIONER, SYSTEM

ROOT = Actor(ActorKind.USER, "root", "root", role="root")
PETRA = [{"value": "Petra@example.net"}]


async def clashed(bridge: Bridge, folk: Folk, **more: str) -> Run:
    """Give p3 the address of a person whom a client has made."""
    await bridge.directory.users.create(PROVISIONER, {"userName": "petra", "emails": PETRA})
    await bridge.sync()
    folk.write(p3={"mail": "petra@example.net", **more})
    return await bridge.sync()


async def resolve(bridge: Bridge, choice: Choice, name: str = "") -> Run:
    (found,) = await bridge.service.resolving.conflicts(SYSTEM, "corp")
    await bridge.service.resolving.resolve(ROOT, found.conflict.id, choice, name)
    return await bridge.sync()


async def address(bridge: Bridge, login: str) -> list[str]:
    return [mail["value"] for mail in (await bridge.person(login)).get("emails", ())]


async def test_it_is_listed_and_nothing_else_of_the_entry_is_done(filed_anywhere: Bridge, folk: Folk) -> None:
    run = await clashed(filed_anywhere, folk, title="Chief")
    assert (run.errors, run.counts["conflict"], run.counts["update"]) == (0, 1, 0)
    (found,) = await filed_anywhere.service.resolving.conflicts(SYSTEM, "corp")
    assert (found.conflict.about, found.conflict.value.lower(), found.holder_name) == (
        *("mail", "petra@example.net"),
        "petra",
    )
    assert await address(filed_anywhere, "p3") == ["p3@example.org"]
    assert "p3" in await filed_anywhere.members("all")
    folk.write(p3={"mail": "p3@example.org"})
    assert (await filed_anywhere.sync()).is_clean
    assert (await filed_anywhere.person("p3"))["title"] == "Chief"
    assert await filed_anywhere.service.resolving.conflicts(SYSTEM) == []


async def test_each_way_to_decide(filed: Bridge, folk: Folk) -> None:
    await clashed(filed, folk)
    with pytest.raises(InvalidValue, match="has an account already"):
        await resolve(filed, Choice.LINK)
    for run in (await resolve(filed, Choice.SKIP), await filed.sync()):
        assert (run.is_clean, run.counts["update"]) == (True, 0)
    assert (await resolve(filed, Choice.UNDO)).counts["conflict"] == 1
    assert (await resolve(filed, Choice.RENAME)).is_clean, "an account of her own with the address of both"
    assert await address(filed, "p3") == ["petra@example.net"]
    assert not any((await filed.sync()).counts.values())


async def test_the_address_may_be_taken_over(filed: Bridge, folk: Folk) -> None:
    await clashed(filed, folk)
    assert (await resolve(filed, Choice.TAKE_OVER)).is_clean
    assert (await address(filed, "p3"), await address(filed, "petra")) == (["petra@example.net"], [])


async def test_what_both_had_before_is_no_news(filed: Bridge, folk: Folk) -> None:
    await filed.sync()
    await filed.directory.users.create(PROVISIONER, {"userName": "petra", "emails": [{"value": "p3@example.org"}]})
    folk.write(p3={"title": "Chief"})
    run = await filed.sync()
    assert (run.is_clean, run.counts["update"]) == (True, 1)


@pytest.mark.parametrize("about", ["mail", "login"])
async def test_whom_the_directory_disables_is_disabled_whatever_waits(filed: Bridge, folk: Folk, about: str) -> None:
    locked = {"pwdAccountLockedTime": "000001010000Z"}
    if about == "mail":
        run = await clashed(filed, folk, **locked)
    else:
        await filed.directory.user("petra")
        await filed.sync()
        folk.write(p3={"uid": "petra", **locked})
        run = await filed.sync()
    assert (run.errors, run.counts["conflict"], run.counts["disable"]) == (0, 1, 1)
    assert await filed.inactive() == {"p3"}
    again = await filed.sync()
    assert (again.errors, again.counts["conflict"], again.counts["disable"]) == (0, 1, 0)
    folk.people["p3"] = {"uid": "p3", "mail": "p3@example.org"}
    folk.write()
    assert (await filed.sync()).counts["enable"] == 1
    assert await filed.inactive() == set()


async def test_it_is_found_among_many_of_the_same_directory_who_share_it(filed: Bridge, folk: Folk) -> None:
    folk.write(**{f"p{number}": {"mail": "desk@example.org"} for number in range(1, 9)})
    await filed.sync()
    zoe = {"userName": "zoe", "emails": [{"value": "Desk@example.org"}]}
    await filed.directory.users.create(PROVISIONER, zoe, id="the last by id")
    folk.write(p13={"mail": "desk@example.org"})
    run = await filed.sync()
    assert (run.counts["conflict"], run.counts["create"]) == (1, 0)
