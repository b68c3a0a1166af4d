"""What can happen to people and groups in a directory, step by step, and a bridge that is compared after each."""

import asyncio
from collections.abc import Callable
from typing import Any

from idp.store import Store
from ldap_bridge.runs import State
from tests.ldap_bridge.conftest import bridge_over
from tests.support.administered import Administered
from tests.support.clock import FakeClock
from tests.support.ldif import write_change, write_entry
from tests.support.people import BASE, Person, make_person
from tests.support.truth import differences

ADA = Person("ada", "Ada", "Lovelace", "Engineering", 4711)
NEW = Person("new", "Nina", "Neu", "Sales", 4713)
CREW = f"ou=Crew,{BASE}"
GROUPS = f"ou=groups,{BASE}"


def members_change(action: str, group: str, *dns: str) -> str:
    """Return what brings members into a group, or takes them out."""
    return write_change(f"cn={group},{GROUPS}", [(action, "member", list(dns))])


def _unit(name: str) -> str:
    return write_entry(f"ou={name},{BASE}", {"objectClass": ["organizationalUnit"], "ou": [name]})


def _report(server: Administered, managers: dict[int, int | str]) -> None:
    """Give people managers: others by their number, or DNs; "" for nobody."""
    changes = []
    for number, manager in managers.items():
        dn = make_person(manager).dn if isinstance(manager, int) else manager
        changes.append(write_change(f"{_dn(number)}", [("replace", "manager", [dn] if dn else [])]))
    server.modify("".join(changes))


def _dn(number: int) -> str:
    """Where somebody is after the first steps."""
    return f"uid=person000002,{CREW}" if number == 2 else make_person(number).dn


def _picture(server: Administered, picture: bytes) -> None:
    server.modify(write_change(ADA.dn, [("replace", "jpegPhoto", [picture])]))


def _pass_on(server: Administered, *numbers: int) -> None:
    """Give everybody the login of the next one, in a circle."""
    logins = [make_person(number).uid for number in numbers]
    for login in logins:
        server.rename(f"uid={login},ou=people,{BASE}", f"uid=was-{login}")
    for login, new in zip(logins, [*logins[1:], logins[0]], strict=True):
        server.rename(f"uid=was-{login},ou=people,{BASE}", f"uid={new}")


def _replace(server: Administered, person: Person) -> None:
    """Delete somebody and make somebody else of the same name and login."""
    server.delete(person.dn)
    server.modify(write_entry(person.dn, person.attributes()))


def _hand_down(server: Administered) -> None:
    """Rename somebody, and give the old login to somebody new."""
    server.rename(make_person(27).dn, "uid=elder")
    server.modify(write_entry(make_person(27).dn, make_person(27).attributes()))


def _shut(server: Administered) -> None:
    """Lock somebody, and let the time of somebody else be over."""
    attribute, value = server.lock
    expired = [("add", "objectClass", ["shadowAccount"]), ("replace", "shadowExpire", ["19000"])]
    locked = write_change(make_person(31).dn, [("replace", attribute, [value])])
    server.modify(locked + write_change(make_person(32).dn, expired))


def _open(server: Administered) -> None:
    """Take both back."""
    attribute, _ = server.lock
    unlocked = write_change(make_person(31).dn, [("delete", attribute, [])])
    server.modify(unlocked + write_change(make_person(32).dn, [("replace", "shadowExpire", ["-1"])]))


def _many(server: Administered) -> None:
    titles = (write_change(make_person(n).dn, [("replace", "title", [f"{n}"])]) for n in range(5, 20))
    server.modify("".join(titles))
    server.rename(make_person(6).dn, "uid=sechs")
    server.delete(make_person(7).dn)
    server.rename(f"cn=Everybody,{GROUPS}", "cn=All")


Step = Callable[[Administered], None]
# What happens one after the other, and whether a feed that names changes must look at everything then.
_STEPS: list[tuple[str, Step, bool]] = [
    ("nothing", lambda server: None, False),
    ("a person comes", lambda server: server.modify(write_entry(ADA.dn, ADA.attributes())), False),
    ("and into a group", lambda server: server.modify(members_change("add", "Egg", ADA.dn)), False),
    (
        "values change, one is cleared",
        lambda server: server.modify(
            write_change(ADA.dn, [("replace", "sn", ["King, Countess of Lovelace"]), ("delete", "title", [])])
        ),
        False,
    ),
    ("she is renamed", lambda server: server.rename(ADA.dn, "uid=ada\\2C king"), False),
    ("a unit comes", lambda server: server.modify(_unit("Crew")), True),
    ("somebody moves", lambda server: server.rename(make_person(2).dn, "uid=person000002", CREW), False),
    ("the unit of all others is renamed", lambda server: server.rename(f"ou=people,{BASE}", "ou=folk"), True),
    ("and has its name again", lambda server: server.rename(f"ou=folk,{BASE}", "ou=people"), True),
    ("she goes", lambda server: server.delete(f"uid=ada\\2C king,ou=people,{BASE}"), False),
    (
        "members come and go",
        lambda server: server.modify(
            members_change("add", "Everybody", make_person(3).dn)
            + members_change("delete", "Chicken", make_person(1).dn)
        ),
        False,
    ),
    ("a group is renamed", lambda server: server.rename(f"cn=Egg,{GROUPS}", "cn=Egg \\+ Spoon"), False),
    ("a group goes", lambda server: server.delete(f"cn=Chicken,{GROUPS}"), False),
    (
        "a group comes",
        lambda server: server.modify(
            write_entry(
                f"cn=New,{GROUPS}",
                {
                    "objectClass": ["groupOfNames"],
                    "cn": ["New"],
                    "member": [make_person(4).dn, f"cn=Everybody,{GROUPS}"],
                },
            )
        ),
        False,
    ),
    (
        "a member who is not there yet",
        lambda server: server.modify(members_change("add", "New", ADA.dn)),
        False,
    ),
    ("comes", lambda server: server.modify(write_entry(ADA.dn, ADA.attributes())), False),
    ("she has a picture", lambda server: _picture(server, b"\xff\xd8\xff\xe0" + bytes(range(256))), False),
    ("another one", lambda server: _picture(server, b"\x89PNG\r\n\x1a\n" + bytes(200)), False),
    ("and none", lambda server: server.modify(write_change(ADA.dn, [("delete", "jpegPhoto", [])])), False),
    ("one is locked, another has expired", _shut, False),
    ("both may come in again", _open, False),
    ("people have managers", lambda server: _report(server, {1: 40, 2: 40, 40: 45, 3: 3, 4: "cn=out of it"}), False),
    ("a manager is renamed", lambda server: server.rename(make_person(40).dn, "uid=boss"), False),
    ("they follow", lambda server: _report(server, {1: f"uid=boss,ou=people,{BASE}", 2: 45}), False),
    ("and named as before", lambda server: server.rename(f"uid=boss,ou=people,{BASE}", "uid=person000040"), False),
    ("they follow again", lambda server: _report(server, {1: 40, 45: 40}), False),
    ("a manager goes", lambda server: server.delete(make_person(45).dn), False),
    ("somebody new is already named", lambda server: _report(server, {5: f"uid=new,ou=people,{BASE}"}), False),
    ("and comes", lambda server: server.modify(write_entry(NEW.dn, NEW.attributes())), False),
    ("nobody is a manager", lambda server: _report(server, {1: "", 40: "", 5: ""}), False),
    ("two swap their logins", lambda server: _pass_on(server, 21, 22), False),
    ("three pass theirs on", lambda server: _pass_on(server, 23, 24, 25), False),
    ("somebody goes, and somebody new has her login", lambda server: _replace(server, make_person(26)), False),
    ("and once more", lambda server: _replace(server, make_person(26)), False),
    ("a login goes on to somebody new", _hand_down, False),
    (
        "many things at once",
        _many,
        False,
    ),
]


async def go_through(store: Store, clock: FakeClock, server: Administered, feed: str, **settings: Any) -> None:
    """Take every step, and compare after each."""
    photos = {"photos[photo]": {"from": "jpegPhoto", "transform": "photo"}}
    people = {"attributes": photos, "inactive": {"shadowExpire": "expires:days"}}
    # A unit that is renamed leaves its people's old names in the groups, which empties them.
    limits = {"percent": 100}
    bridge = bridge_over(store, clock, server.url, feed=feed, users=people, limits=limits, **settings)
    first = await bridge.sync()
    assert (first.whole, first.errors, await differences(store, server)) == (True, 0, [])
    for what, step, whole in _STEPS:
        await asyncio.to_thread(step, server)
        run = await bridge.sync()
        assert (run.state, run.errors, run.problems) == (State.APPLIED, 0, []), what
        assert run.feed == feed
        assert run.whole == (whole or feed == "full"), (what, run.why)
        assert await differences(store, server) == [], what
