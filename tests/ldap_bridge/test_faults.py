"""Whichever call to the store fails in whichever way, a run leaves nothing half done, and the next one finishes."""

import re
import shutil
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from idp.errors import IdpError
from idp.schema.urns import GATEHOUSE_USER
from idp.store import Store, open_store
from idp.store.collections import collections
from ldap_bridge.service import LdapService
from ldap_bridge.settings import parse
from tests.support.clock import FakeClock
from tests.support.directory import SYSTEM, directory_over, everything
from tests.support.faulty_store import Fault, FaultyStore

SAMPLE = Path(__file__).parents[2] / "config" / "sample" / "directory.ldif"


def later(text: str) -> str:
    """The sample some time later: somebody gone, renamed, promoted, new; a group gone, renamed, others changed."""
    text = re.sub(r"dn: uid=grace,(.+\n)+\n", "", text)
    text = text.replace("uid=alan,", "uid=turing,").replace("uid: alan", "uid: turing")
    text = text.replace("title: Compiler engineer", "title: Rear admiral").replace("title: Accountant", "title: CFO")
    text = re.sub(r"dn: cn=Heads of department,(.+\n)+\n", "", text)
    text = text.replace("cn=Finance,", "cn=Money,").replace("cn: Finance", "cn: Money")
    added = "objectClass: inetOrgPerson\nuid: new\ncn: New\nsn: New\nentryUUID: 00000000-0000-4000-8000-000000000001\n"
    return f"{text}\ndn: uid=new,ou=people,dc=example,dc=com\n{added}"


def service_over(store: Store, clock: FakeClock, path: Path) -> LdapService:
    """A service whose source is a file."""
    directory = directory_over(store, clock)
    serial = count(1000)
    source = parse("corp", {"url": f"ldif:{path}"})
    ids = (f"new-{clock.now().timestamp():.0f}-{number}" for number in serial)
    return LdapService(store, directory.users, directory.groups, clock, ids.__next__, {"corp": source})


async def state_of(store: Store) -> dict[str, Any]:
    """What everybody can see, without ids and times."""
    users = {user["id"]: user for user in await everything(store, "users")}
    groups = {group["id"]: group["displayName"] for group in await everything(store, "groups")}
    names = {**{key: user["userName"] for key, user in users.items()}, **groups}
    hidden = ("id", "meta", GATEHOUSE_USER)
    return {
        "users": {
            user["userName"]: {name: value for name, value in user.items() if name not in hidden}
            for user in users.values()
        },
        "groups": sorted(groups.values()),
        "edges": sorted((names[edge["group"]], names[edge["member"]]) for edge in await everything(store, "edges")),
    }


async def check_links(store: Store) -> None:
    """Each account and group has exactly one link, and each link leads somewhere."""
    links = await everything(store, "ldap_links")
    records = await everything(store, "users") + await everything(store, "groups")
    assert sorted(link["resource"] for link in links) == sorted(record["id"] for record in records)


@pytest.fixture
async def prepared(tmp_path: Path, clock: FakeClock) -> Path:
    """A store into which the sample has been read; the file beside it is as it is later."""
    (tmp_path / "prepared").mkdir()
    ldif = tmp_path / "directory.ldif"
    ldif.write_bytes(SAMPLE.read_bytes())
    store = await open_store(f"sqlite:{tmp_path / 'prepared' / 'idp.sqlite'}", collections(), clock)
    assert (await service_over(store, clock, ldif).sync(SYSTEM, "corp")).errors == 0
    await store.close()
    ldif.write_text(later(SAMPLE.read_text()))
    return tmp_path / "prepared"


@pytest.mark.parametrize("fault", Fault)
async def test_the_next_run_finishes_what_a_failing_store_broke_off(
    prepared: Path, tmp_path: Path, clock: FakeClock, fault: Fault
) -> None:
    ldif = tmp_path / "directory.ldif"
    wanted: dict[str, Any] = {}
    # A read that fails leaves the same behind, whether it was done or not.
    verbs = frozenset({"commit"} if fault is not Fault.BEFORE else {"get", "get_many", "find", "count", "commit"})
    for at in count(0):
        clock.advance(3600)
        copy = tmp_path / f"{fault}-{at}"
        shutil.copytree(prepared, copy)
        inner = await open_store(f"sqlite:{copy / 'idp.sqlite'}", collections(), clock)
        faulty = FaultyStore(inner, at, fault, verbs)
        with suppress(IdpError):
            await service_over(faulty, clock, ldif).sync(SYSTEM, "corp")
        await check_links(inner)
        if at == 0:
            wanted = await state_of(inner)
            assert "turing" in wanted["users"]
            assert wanted["users"]["grace"]["active"] is False
        # What a dead process leaves, the lease above all, is over after a while.
        clock.advance(3600)
        run = await service_over(inner, clock, ldif).sync(SYSTEM, "corp")
        assert run.errors == 0, at
        await check_links(inner)
        assert await state_of(inner) == wanted, at
        await inner.close()
        shutil.rmtree(copy)
        if at > 0 and not faulty.has_failed:
            assert at > (20 if fault is Fault.BEFORE else 10)
            break
