"""Attributes that the settings declare are imported like those that come with the service."""

import json
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from idp.cli.importing import csv_file, json_file, ldif_file
from idp.cli.importing.apply import apply
from idp.cli.importing.plan import Planner
from idp.cli.importing.rows import Rows
from idp.query import Query
from idp.schema import Registry, default_registry, read_declarations, with_declared
from idp.store import open_store
from idp.store.collections import collections
from tests.support.clock import FakeClock
from tests.support.directory import SYSTEM, directory_over

BADGE = "urn:example:params:scim:schemas:extension:2.0:Badge"
DEVICES = Path(__file__).parents[4] / "config" / "schemas" / "devices.json"


@pytest.fixture
def registry() -> Registry:
    kinds = list(default_registry().resource_types.values())
    return Registry(with_declared(kinds, {"devices": read_declarations(DEVICES.read_bytes(), "devices")}))


async def imported(rows: Rows, registry: Registry, folder: Path, clock: FakeClock) -> list[dict[str, Any]]:
    """Return everybody after an import."""
    store = await open_store(f"sqlite:{folder / 'idp.sqlite'}", collections(registry), clock)
    directory = directory_over(store, clock, registry=registry)
    ids = (f"new-{number}" for number in count(1))
    plan = await Planner(directory.users, directory.groups, SYSTEM, ids.__next__, registry).plan(rows)
    made = await apply(plan, directory.users, directory.groups, SYSTEM)
    assert not made.wrong
    found = [record.document for record in (await directory.users.find(SYSTEM, Query())).records]
    await store.close()
    return found


async def test_a_table_names_them_by_their_urn(registry: Registry, tmp_path: Path, clock: FakeClock) -> None:
    file = tmp_path / "people.csv"
    file.write_text(f"userName,{BADGE}:number,{BADGE}:floors\nann,B-17,3;4\n")
    [ann] = await imported(csv_file.read(file, registry), registry, tmp_path, clock)
    assert ann[BADGE] == {"number": "B-17", "floors": [3, 4]}
    assert BADGE in ann["schemas"]


async def test_a_document_has_them_as_scim_has_them(registry: Registry, tmp_path: Path, clock: FakeClock) -> None:
    file = tmp_path / "people.json"
    file.write_text(json.dumps([{"userName": "ann", BADGE: {"number": "B-17", "floors": ["3"]}}]))
    [ann] = await imported(json_file.read(file, registry), registry, tmp_path, clock)
    assert ann[BADGE] == {"number": "B-17", "floors": [3]}


async def test_entries_are_read_beside_them(registry: Registry, tmp_path: Path, clock: FakeClock) -> None:
    file = tmp_path / "people.ldif"
    file.write_text("dn: uid=ann,dc=x\nobjectClass: inetOrgPerson\nuid: ann\ncn: Ann\nsn: Lee\nmail: ann@x.org\n")
    [ann] = await imported(ldif_file.read(file, registry), registry, tmp_path, clock)
    assert ann["userName"] == "ann"
