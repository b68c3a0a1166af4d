"""A bridge between a real directory and a real store."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from idp.access import Actor, ActorKind
from idp.processes import Processes
from idp.schema import Registry, default_registry
from idp.store import Store, open_store
from idp.store.collections import collections
from ldap_bridge.conflicts import Choice
from ldap_bridge.endings import Letters
from ldap_bridge.lines import Logged
from ldap_bridge.resolving import Dispute
from ldap_bridge.runs import Run
from ldap_bridge.service import LdapService
from ldap_bridge.settings import Source, parse
from tests.support.clock import FakeClock
from tests.support.directory import SYSTEM, Directory, directory_over, everything
from tests.support.people import BASE
from tests.support.slapd import Slapd
from tests.support.stores import PATIENT, new_url_of, url_of

ROOT = Actor(ActorKind.USER, "root", "root", role="root")
_serial = count(1)


@dataclass
class Bridge:
    """A service with one source `corp`, and short ways to look at what it did."""

    service: LdapService
    source: Source
    store: Store
    directory: Directory

    async def sync(self, **options: Any) -> Run:
        """Run once."""
        return await self.service.sync(SYSTEM, "corp", **options)

    async def logged(self, run: Run, kind: str) -> list[Logged]:
        """Return a run's changes of one kind."""
        return await self.lines(run, kinds=[kind])

    async def lines(self, run: Run, **wanted: Any) -> list[Logged]:
        """Return a run's changes."""
        return (await self.service.history.lines(SYSTEM, run.id, limit=100_000, **wanted)).lines

    async def people(self) -> dict[str, dict[str, Any]]:
        """Return every account by login name."""
        return {user["userName"]: user for user in await everything(self.store, "users")}

    async def person(self, login: str) -> dict[str, Any]:
        """Return one account."""
        return (await self.people())[login]

    async def members(self, name: str) -> set[str]:
        """Return the names of a group's members, people and groups."""
        groups = {found["displayName"]: found["id"] for found in await everything(self.store, "groups")}
        members = (await self.directory.groups.members_of([groups[name]]))[groups[name]]
        names = {user["id"]: login for login, user in (await self.people()).items()}
        names |= {group: name for name, group in groups.items()}
        return {names[member["value"]] for member in members}

    async def inactive(self) -> set[str]:
        """Return the logins of those who may not log in."""
        return {login for login, user in (await self.people()).items() if not user["active"]}


@pytest.fixture
def registry() -> Registry:
    """What people and groups are made of; tests of other kinds have their own."""
    return default_registry()


@pytest.fixture
async def store(
    request: pytest.FixtureRequest, tmp_path: Path, clock: FakeClock, registry: Registry
) -> AsyncIterator[Store]:
    """An empty store: on the disk, or of the kind that a test names as the parameter."""
    wanted = collections(registry)
    find_url = url_of if wanted == collections() else new_url_of
    url = find_url(getattr(request, "param", "sqlite"), request, tmp_path)
    opened = await open_store(url, wanted, clock, PATIENT)
    yield opened
    await opened.close()


def bridge_over(
    store: Store,
    clock: FakeClock,
    url: str,
    name: str = "corp",
    letters: Letters | None = None,
    processes: Processes | None = None,
    registry: Registry | None = None,
    **settings: Any,
) -> Bridge:
    """Make a bridge over a store to a source given by its settings."""
    directory = directory_over(store, clock, registry=registry)
    source = parse(name, {"url": url, "base": BASE, **settings}, registry=registry or default_registry())
    # In order, because runs that begin at the same moment are told apart by their ids.
    ids = (f"new-{number:09d}" for number in _serial)
    users, groups, given = directory.users, directory.groups, {name: source}
    service = LdapService(store, users, groups, clock, ids.__next__, given, letters=letters, processes=processes)
    return Bridge(service, source, store, directory)


async def the_one(bridge: Bridge) -> Dispute:
    """Return the only conflict."""
    (found,) = await bridge.service.resolving.conflicts(SYSTEM, "corp")
    return found


async def resolve(bridge: Bridge, choice: Choice, name: str = "") -> Run:
    """Decide about the only conflict, and run."""
    await bridge.service.resolving.resolve(ROOT, (await the_one(bridge)).conflict.id, choice, name)
    return await bridge.sync()


@pytest.fixture
def bridge_to(store: Store, clock: FakeClock) -> Callable[..., Bridge]:
    """Make a bridge to a source given by its settings; all share one store."""
    return partial(bridge_over, store, clock)


@pytest.fixture
def bridge(slapd: Slapd, bridge_to: Callable[..., Bridge]) -> Bridge:
    """A bridge to the company's slapd, not run yet."""
    return bridge_to(slapd.url, bind_dn=slapd.admin_dn, bind_password=slapd.admin_password)


@pytest.fixture(params=["sqlite", "pymongo"])
async def any_store(request: pytest.FixtureRequest, tmp_path: Path, clock: FakeClock) -> AsyncIterator[Store]:
    """An empty store of each kind."""
    opened = await open_store(url_of(request.param, request, tmp_path), collections(), clock, PATIENT)
    yield opened
    await opened.close()


@dataclass
class Folk:
    """A directory of a few people in a file, each with a stable id of her own, and one group of them all."""

    path: Path
    people: dict[str, dict[str, str]]

    def write(self, **people: dict[str, str] | None) -> None:
        """Change some people, or with None take them away, and write the file anew."""
        for name, values in people.items():
            if values is None:
                del self.people[name]
            else:
                self.people[name] = {**self.people.get(name, {}), **values}
        entries = [_entry(f"uid={name}", name, {"uid": name, "sn": name, **v}) for name, v in self.people.items()]
        members = "".join(f"member: uid={name},{BASE}\n" for name in self.people)
        group = f"dn: cn=all,{BASE}\nobjectClass: groupOfNames\ncn: all\nentryUUID: group-all\n{members}"
        self.path.write_text("\n".join([*entries, group]))


def _entry(rdn: str, name: str, values: dict[str, str]) -> str:
    given = {"cn": name, "entryUUID": f"stable-{name}", **values}
    lines = "".join(f"{attribute}: {value}\n" for attribute, value in given.items())
    return f"dn: {rdn},{BASE}\nobjectClass: inetOrgPerson\n{lines}"


@pytest.fixture
def folk(tmp_path: Path) -> Folk:
    """Twelve people, p1 to p12."""
    made = Folk(tmp_path / "folk.ldif", {f"p{number}": {"mail": f"p{number}@example.org"} for number in range(1, 13)})
    made.write()
    return made


@pytest.fixture
def filed(store: Store, clock: FakeClock, folk: Folk) -> Bridge:
    """A bridge to these people, not run yet."""
    return bridge_over(store, clock, f"ldif:{folk.path}")


@pytest.fixture
def filed_anywhere(any_store: Store, clock: FakeClock, folk: Folk) -> Bridge:
    """The same over each kind of store."""
    return bridge_over(any_store, clock, f"ldif:{folk.path}")
