"""Bad settings, bad entries and bad servers: each is named with source, entry and attribute, and harms nothing else."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from idp.errors import ConfigError, IdpError
from ldap_bridge.ber import MAX_MESSAGE
from ldap_bridge.ber_writer import element, number
from ldap_bridge.runs import State
from tests.ldap_bridge.conftest import Bridge, Folk
from tests.support.directory import SYSTEM
from tests.support.ldap_wire import Request, encode_done, encode_entry, responder
from tests.support.ldif import write_entry
from tests.support.people import BASE, Company
from tests.support.ports import HOST, free_port
from tests.support.slapd import Slapd

GOOD_ID, OTHER_ID = "00000000-0000-4000-8000-000000000001", "00000000-0000-4000-8000-000000000002"


# --- settings ---


async def test_a_directory_that_cannot_be_read_is_told_why_and_changes_nothing(
    slapd: Slapd, bridge: Bridge, bridge_to: Callable[..., Bridge]
) -> None:
    wrongs: list[tuple[dict[str, Any], list[str]]] = [
        ({"url": "ldap://nowhere.invalid"}, ["corp", "nowhere.invalid"]),
        ({"url": f"ldap://{HOST}:{free_port()}"}, ["corp", f"{HOST}:"]),
        ({"starttls": True}, ["corp", "does not start TLS"]),
        ({"bind_dn": "cn=who", "bind_password": "wrong"}, ["corp", "cn=who", "wrong DN or password"]),
        ({"bind_dn": f"cn=admin,{BASE}", "bind_password": "wrong"}, ["corp", f"cn=admin,{BASE}"]),
        ({"bind_dn": "who", "bind_password": "wrong"}, ["corp", "bind as who", "no DN"]),
        ({"base": "dc=elsewhere"}, ["corp", "dc=elsewhere", "does not exist"]),
        ({"users": {"base": f"ou=none,{BASE}"}}, ["corp", f"ou=none,{BASE}", "does not exist"]),
        ({"users": {"filter": "(uid="}}, ["corp", "filter", "(uid="]),
    ]
    await bridge.sync()
    before = await bridge.people()
    for settings, named in wrongs:
        wrong = bridge_to(settings.pop("url", slapd.url), **settings)
        with pytest.raises(IdpError) as caught:
            await wrong.sync(whole=True)
        assert all(word in str(caught.value) for word in named), str(caught.value)
        (run, *_) = await wrong.service.history.runs(SYSTEM, "corp")
        assert (run.state, run.reason) == (State.FAILED, str(caught.value))
        assert await bridge.people() == before


@pytest.mark.parametrize(
    ("settings", "key"),
    [
        ({"url": "ldap//host"}, "ldap.corp.url"),
        ({"url": "ldap://host:99999"}, "ldap.corp.url"),
        ({"ca_file": "/nonexistent.pem"}, "ldap.corp.ca_file"),
        ({"cert_file": "/nonexistent.pem", "url": "ldaps://h"}, "ldap.corp.cert_file"),
        ({"bind_dn": "cn=a"}, "ldap.corp.bind_password"),
        ({"base": "not a dn"}, "ldap.corp.base"),
        ({"users": {"attributes": {"userNane": "uid"}}}, 'ldap.corp.users.attributes."userNane"'),
        (
            {"users": {"attributes": {"title": {"from": "title", "transform": "upside"}}}},
            'ldap.corp.users.attributes."title"',
        ),
    ],
)
def test_a_setting_that_is_wrong_by_itself_is_named_by_its_key(
    bridge_to: Callable[..., Bridge], settings: dict[str, Any], key: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        bridge_to(**{"url": "ldap://localhost", **settings})
    assert caught.value.key.startswith(key.partition('."')[0])
    assert key.rpartition(".")[2].strip('"') in str(caught.value)


# --- entries ---


def entry(name: str, stable: str, **more: list[str | bytes]) -> str:
    """A person of a file."""
    own: dict[str, list[str | bytes]] = {"objectClass": ["inetOrgPerson"], "uid": [name], "cn": [name], "sn": [name]}
    own |= {"entryUUID": [stable] if stable else [], **more}
    return write_entry(f"uid={name},{BASE}", own)


@pytest.mark.parametrize(
    ("bad", "named"),
    [
        (entry("bad", OTHER_ID, uid=[]), ["userName"]),
        (entry("bad", OTHER_ID, uid=[b"\xff\xfe"]), ["uid"]),
        (entry("bad", OTHER_ID, sn=[b"M\xfcller"]), ["sn"]),
        (entry("bad", ""), ["entryUUID"]),
        (entry("bad", OTHER_ID, uid=["x" * 5000]), ["userName"]),
    ],
)
async def test_a_bad_entry_is_named_with_its_attribute_and_stops_nobody(
    tmp_path: Path, bridge_to: Callable[..., Bridge], bad: str, named: list[str]
) -> None:
    file = tmp_path / "people.ldif"
    file.write_text(entry("good", GOOD_ID) + bad)
    bridge = bridge_to(f"ldif:{file}")
    run = await bridge.sync()
    problems = [*run.problems, *({"dn": each.dn, "reason": each.error} for each in await logged(bridge, run.id))]
    (problem,) = problems
    assert problem["dn"].startswith("uid=bad")
    assert all(word in problem["reason"] for word in named), problem["reason"]
    assert set(await bridge.people()) == {"good"}


async def test_entries_that_share_a_stable_id_are_all_named_and_none_gets_an_account(
    tmp_path: Path, bridge_to: Callable[..., Bridge]
) -> None:
    file = tmp_path / "people.ldif"
    file.write_text(entry("one", GOOD_ID) + entry("two", GOOD_ID) + entry("three", OTHER_ID))
    bridge = bridge_to(f"ldif:{file}")
    run = await bridge.sync()
    assert sorted(problem["dn"].partition(",")[0] for problem in run.problems) == ["uid=one", "uid=two"]
    assert set(await bridge.people()) == {"three"}
    seen = await bridge.service.test(SYSTEM, "corp")
    assert (seen.people, seen.example and seen.example["userName"]) == (1, "one")
    assert [problem["dn"].partition(",")[0] for problem in seen.problems] == ["uid=two"]


async def test_a_look_at_entries_of_which_none_will_do_says_so(
    tmp_path: Path, bridge_to: Callable[..., Bridge]
) -> None:
    file = tmp_path / "people.ldif"
    file.write_text(entry("one", GOOD_ID) + entry("two", ""))
    mapping = {"attributes": {"userName": "noSuchAttribute"}}
    seen = await bridge_to(f"ldif:{file}", users=mapping).service.test(SYSTEM, "corp")
    assert (seen.people, seen.gaps) == (
        0,
        ["people: nobody can be made of 2 entries", "people: 1 entry could not be identified"],
    )
    file.write_text(entry("one", GOOD_ID, uid=["one"], title=["x" * 2_000]))
    seen = await bridge_to(f"ldif:{file}").service.test(SYSTEM, "corp")
    assert seen.example is not None
    assert seen.example["title"].endswith("(2,000 characters)")


async def test_groups_that_share_a_stable_id_take_no_person_of_the_same_with_them(
    tmp_path: Path, bridge_to: Callable[..., Bridge]
) -> None:
    crews = [
        write_entry(
            f"cn=ops,ou={place},{BASE}", {"objectClass": ["groupOfNames"], "cn": ["ops"], "entryUUID": [GOOD_ID]}
        )
        for place in ("north", "south")
    ]
    file = tmp_path / "people.ldif"
    file.write_text(entry("one", GOOD_ID) + "".join(crews))
    run = await bridge_to(f"ldif:{file}").sync()
    assert [problem["dn"].partition(",")[0] for problem in run.problems] == ["cn=ops", "cn=ops"]
    assert (run.by_subject["user.create"], run.by_subject.get("group.create", 0)) == (1, 0)


async def test_an_entry_that_comes_twice_has_its_account(tmp_path: Path, bridge_to: Callable[..., Bridge]) -> None:
    file = tmp_path / "people.ldif"
    file.write_text(entry("one", GOOD_ID) + entry("one", GOOD_ID) + entry("two", OTHER_ID))
    bridge = bridge_to(f"ldif:{file}")
    await bridge.sync()
    assert set(await bridge.people()) == {"one", "two"}


@pytest.mark.parametrize("copy_first", [True, False])
async def test_a_copy_of_a_stable_id_takes_nobodys_account(folk: Folk, filed: Bridge, copy_first: bool) -> None:
    await filed.sync()
    before, members = await filed.people(), await filed.members("all")
    folk.write(p3={"title": "Dr"})
    copy = {"mallory": {"mail": "mallory@example.org", "entryUUID": "stable-p3"}}
    folk.people = copy | folk.people if copy_first else folk.people | copy
    folk.write()
    run = await filed.sync()
    assert {problem["dn"].partition(",")[0] for problem in run.problems} == {"uid=p3", "uid=mallory"}
    assert await filed.people() == before, "neither entry is believed"
    assert await filed.members("all") == members
    folk.write(mallory=None)
    await filed.sync()
    assert (await filed.people())["p3"]["title"] == "Dr"


async def test_who_has_somebody_elses_stable_id_is_not_gone(folk: Folk, filed: Bridge) -> None:
    await filed.sync()
    folk.write(p7={"entryUUID": "stable-p3"})
    await filed.sync()
    people = await filed.people()
    assert people["p7"]["active"]
    assert people["p3"]["active"]


async def logged(bridge: Bridge, run: str) -> list[Any]:
    """The changes of a run that could not be made."""
    lines = (await bridge.service.history.lines(SYSTEM, run, limit=100)).lines
    return [line for line in lines if line.error]


# --- servers ---


def endless(request: Request) -> Iterable[bytes]:
    found = encode_entry(f"uid=p,{BASE}", {"uid": [b"p"]}, request.message_id)
    return [found, encode_done(cookie=b"more", message_id=request.message_id)]


def giant(request: Request) -> Iterable[bytes]:
    size = (MAX_MESSAGE + 1).to_bytes(4, "big")
    return [encode_entry(f"uid=p,{BASE}", {"uid": [b"p"]}, request.message_id), b"\x30\x84" + size + b"\x02\x01\x01"]


def deep(request: Request) -> Iterable[bytes]:
    inner = b""
    for _ in range(5_000):
        inner = element(0x30, inner)
    return [element(0x30, number(request.message_id) + element(0x64, inner))]


def foreign(request: Request) -> Iterable[bytes]:
    return [encode_entry(f"uid=p,{BASE}", {"uid": [b"p"]}, request.message_id + 7)]


async def test_a_hostile_server_ends_the_run_and_removes_nobody(
    slapd: Slapd, company: Company, bridge: Bridge, bridge_to: Callable[..., Bridge]
) -> None:
    await bridge.sync()
    for answer, named in (
        (endless, ["begins with", "again"]),
        (giant, ["is not LDAP", str(MAX_MESSAGE)]),
        (deep, ["is not LDAP"]),
        (foreign, ["an answer to message"]),
    ):
        state, reason = await run_against(answer, bridge_to)
        assert state in (State.FAILED, State.INCOMPLETE)
        assert all(word in reason for word in named), reason
        assert await bridge.inactive() == set()
        assert len(await bridge.people()) >= len(company.people)


async def run_against(
    answer: Callable[[Request], Iterable[bytes]], bridge_to: Callable[..., Bridge]
) -> tuple[str, str]:
    """Run over a server that answers like this; return how the run stands, and why."""

    def replied(request: Request) -> Iterable[bytes]:
        return answer(request) if request.base else [encode_done(message_id=request.message_id)]

    with responder(replied) as port:
        hostile = bridge_to(f"ldap://{HOST}:{port}", max_entries=50)
        try:
            reason = "; ".join((await hostile.sync(whole=True)).gaps)
        except IdpError as error:
            reason = str(error)
            assert "corp" in reason
    (run, *_) = await hostile.service.history.runs(SYSTEM, "corp")
    return run.state, reason
