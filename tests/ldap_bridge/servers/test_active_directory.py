"""A real Active Directory domain is followed through everything that happens in it, and its people log in."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest

from idp.auth import Verdict
from idp.directory import Resource
from ldap_bridge.bind import open_verifier
from ldap_bridge.runs import Run, State
from tests.ldap_bridge.conftest import Bridge
from tests.ldap_bridge.servers.samba import SambaDomain
from tests.support.directory import SYSTEM
from tests.support.ldif import write_change, write_entry
from tests.support.ports import HOST

ROOM = "DC=corp,DC=example"
PEOPLE, SALES, GROUPS = f"OU=People,{ROOM}", f"OU=Sales,OU=People,{ROOM}", f"OU=Groups,{ROOM}"
READER = f"CN=Reader,CN=Users,{ROOM}"
PASSWORD = "Secr3t-Passw0rd"
LONG_AGO = "130000000000000000"
USABLE, DISABLED = "544", "546"


@pytest.fixture(scope="module")
def domain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SambaDomain]:
    """A domain with an account that may read, and no more."""
    domain = SambaDomain(tmp_path_factory.mktemp("samba"))
    try:
        domain.start()
        domain.modify(user(READER, "reader", userPrincipalName=f"reader@{domain.realm}"))
        domain.give_password("reader", PASSWORD)
        domain.modify(write_change(READER, [("replace", "userAccountControl", ["512"])]))
        yield domain
    finally:
        domain.stop()


@pytest.fixture
def company(domain: SambaDomain) -> Iterator[SambaDomain]:
    """The domain with thirty people in two units, and two groups."""
    units = "".join(write_entry(dn, {"objectClass": ["organizationalUnit"]}) for dn in (PEOPLE, SALES, GROUPS))
    people = "".join(user(where(number), f"p{number}", mail=f"p{number}@corp.example") for number in range(30))
    domain.modify(units + people + group("Staff", *map(where, range(20))) + group("Board", f"CN=Staff,{GROUPS}"))
    yield domain
    leftovers = domain.search("(|(ou=People)(ou=Groups))", ["1.1"])
    for dn in leftovers:
        domain.empty(dn)


def where(number: int) -> str:
    """Where somebody is to begin with."""
    return f"CN=Person {number},{SALES if number % 3 == 0 else PEOPLE}"


def user(dn: str, login: str, **attributes: str) -> str:
    """Return the entry of a person."""
    own = {"sAMAccountName": login, "sn": login, "userAccountControl": USABLE, **attributes}
    return write_entry(dn, {"objectClass": ["user"], **{name: [value] for name, value in own.items()}})


def group(name: str, *members: str) -> str:
    """Return the entry of a group."""
    own = {"objectClass": ["group"], "sAMAccountName": [name.lower()], "member": list(members)}
    return write_entry(f"CN={name},{GROUPS}", own)


def put(dn: str, name: str, *values: str) -> str:
    """Return what gives an attribute other values."""
    return write_change(dn, [("replace", name, list(values))])


def members(action: str, name: str, *dns: str) -> str:
    """Return what brings members into a group, or takes them out."""
    return write_change(f"CN={name},{GROUPS}", [(action, "member", list(dns))])


def pass_on(domain: SambaDomain) -> None:
    """Let two people swap their logins."""
    for dn, login in ((where(4), "between"), (where(5), "p4"), (where(4), "p5")):
        domain.modify(put(dn, "sAMAccountName", login))


Counts = dict[str, int]
STEPS: list[tuple[str, Callable[[SambaDomain], None], Counts]] = [
    ("nothing", lambda domain: None, {}),
    ("values change", lambda domain: domain.modify(put(where(1), "title", "Chief")), {"update": 1}),
    ("one is cleared", lambda domain: domain.modify(put(where(1), "title")), {"update": 1}),
    ("somebody comes", lambda domain: domain.modify(user(f"CN=New,{PEOPLE}", "new")), {"create": 1}),
    (
        "and into a group",
        lambda domain: domain.modify(members("add", "Staff", f"CN=New,{PEOPLE}")),
        {"members_added": 1},
    ),
    ("somebody has another name", lambda domain: domain.rename(where(2), "CN=Married"), {"rename": 1}),
    ("and another login", lambda d: d.modify(put(f"CN=Married,{PEOPLE}", "sAMAccountName", "m")), {"rename": 1}),
    ("somebody moves", lambda domain: domain.rename(where(7), "CN=Person 7", SALES), {"move": 1}),
    ("one is disabled", lambda d: d.modify(put(where(8), "userAccountControl", DISABLED)), {"disable": 1}),
    (
        "enabled again, and another's time is over",
        lambda domain: domain.modify(
            put(where(8), "userAccountControl", USABLE) + put(where(10), "accountExpires", LONG_AGO)
        ),
        {"enable": 1, "disable": 1},
    ),
    ("a member goes", lambda domain: domain.delete(where(11)), {"disable": 1, "members_removed": 1}),
    (
        "somebody new has her login",
        lambda domain: domain.modify(user(f"CN=Other,{PEOPLE}", "p11")),
        {"create": 1, "rename": 1},
    ),
    ("somebody leaves a group", lambda d: d.modify(members("delete", "Staff", where(13))), {"members_removed": 1}),
    ("two swap their logins", pass_on, {"rename": 2}),
    ("a group has another name", lambda domain: domain.rename(f"CN=Staff,{GROUPS}", "CN=Crew"), {"rename": 1}),
    ("a group goes", lambda domain: domain.delete(f"CN=Board,{GROUPS}"), {"remove": 1}),
    ("a unit has another name", lambda domain: domain.rename(SALES, "OU=Markets"), {"move": 11}),
]


def bridge_as(bridge_to: Callable[..., Bridge], domain: SambaDomain, account: str, **settings: Any) -> Bridge:
    """A bridge by an account to the domain, or to a part of it."""
    password = PASSWORD if account == "reader" else domain.admin_password
    bound = {"bind_dn": f"{account}@{domain.realm}", "bind_password": password, "limits": {"percent": 100}}
    source = {"url": domain.url, "preset": "active-directory", "base": domain.base, **bound, **settings}
    return bridge_to(**source)


def done(run: Run, what: str) -> Counts:
    """What a run did."""
    assert (run.state, run.errors, run.problems) == (State.APPLIED, 0, []), what
    return {name: count for name, count in run.counts.items() if count}


@pytest.mark.parametrize(
    ("feed", "account", "base"),
    [("dirsync", "Administrator", ROOM), ("usn", "reader", ROOM), ("usn", "reader", PEOPLE)],
)
async def test_every_change_is_followed_and_a_full_compare_finds_no_more(
    bridge_to: Callable[..., Bridge], company: SambaDomain, feed: str, account: str, base: str
) -> None:
    parts = {} if base == ROOM else {"users": {"base": base}, "groups": {"base": GROUPS}}
    bridge = bridge_as(bridge_to, company, account, **parts)
    assert done(await bridge.sync(), "all")["create"] >= 32
    for what, step, counts in STEPS:
        await asyncio.to_thread(step, company)
        run = await bridge.sync()
        assert (run.feed, run.whole, done(run, what)) == (feed, "unit" in what, counts), (what, run.why)
        assert done(await bridge.sync(whole=True), what) == {}, what
    # By the rule that [MS-ADTS] gives for bits: who is not disabled.
    usable = "(&(objectClass=user)(!(objectClass=computer))(!(userAccountControl:1.2.840.113556.1.4.803:=2)))"
    there = company.search(usable, ["sAMAccountName"], base).values()
    active = {login for login, user in (await bridge.people()).items() if user["active"]}
    assert active == {entry["sAMAccountName"][0].decode() for entry in there} - {"p10"}


@pytest.mark.parametrize(("scheme", "starttls"), [("ldaps", False), ("ldap", True)])
async def test_it_is_read_over_encrypted_lines(
    bridge_to: Callable[..., Bridge], company: SambaDomain, scheme: str, starttls: bool
) -> None:
    # Its certificate is its own, for its own name.
    line = {"url": f"{scheme}://{HOST}", "starttls": starttls, "verify": False}
    told = await bridge_as(bridge_to, company, "reader", **line).service.test(SYSTEM, "corp")
    assert told.server["tls"].startswith("TLS")
    assert (told.complete, told.feed) == (True, "usn")


@pytest.mark.parametrize(
    ("number", "change", "verdict"),
    [
        (14, "", Verdict.RIGHT),
        (16, "pwdLastSet", Verdict.MUST_CHANGE),
        (17, "userAccountControl", Verdict.DISABLED),
        (19, "accountExpires", Verdict.ENDED),
    ],
)
async def test_what_the_controller_says_of_a_right_password_is_understood(
    bridge_to: Callable[..., Bridge], company: SambaDomain, number: int, change: str, verdict: Verdict
) -> None:
    company.give_password(f"p{number}", PASSWORD)
    changes = {"userAccountControl": "514", "accountExpires": LONG_AGO, "pwdLastSet": "0"}
    company.modify(put(where(number), "userAccountControl", "512"))
    if change:
        company.modify(put(where(number), change, changes[change]))
    bridge = bridge_as(bridge_to, company, "Administrator")
    await bridge.sync()
    document = await bridge.person(f"p{number}")
    with closing(open_verifier(bridge.source, bridge.store)) as verifier:
        resource = Resource(document["id"], 1, document)
        assert await verifier.verify(resource, PASSWORD) is verdict
        assert await verifier.verify(resource, "wrong") is Verdict.WRONG
