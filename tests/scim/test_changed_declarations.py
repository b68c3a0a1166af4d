"""What becomes of resources when the file that declares their attributes changes between two starts."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from idp.schema import Registry
from idp.store import open_store
from idp.store.collections import collections
from tests.scim.conftest import OpenApi
from tests.support.clock import FakeClock
from tests.support.declared import BADGE, WARRANTY, device, registry
from tests.support.scim import Api
from tests.support.stores import PATIENT, new_url_of

Start = Callable[[Registry], Awaitable[Api]]


@pytest.fixture(params=["sqlite", "pymongo"])
async def start(
    request: pytest.FixtureRequest, tmp_path: Path, clock: FakeClock, open_api: OpenApi
) -> AsyncIterator[Start]:
    """Serve the same store under another declaration, each time."""
    url = new_url_of(request.param, request, tmp_path)
    opened = AsyncExitStack()

    async def started(declared: Registry) -> Api:
        store = await open_store(url, collections(declared), clock, PATIENT)
        opened.push_async_callback(store.close)
        return await open_api(store, registry=declared)

    async with opened:
        yield started


def without(content: dict[str, Any]) -> None:
    """Take out an attribute of devices, one of their extension, and the whole extension of people."""
    core, warranty, _ = content["schemas"]
    core["attributes"] = [one for one in core["attributes"] if one["name"] != "memory"]
    warranty["attributes"] = [one for one in warranty["attributes"] if one["name"] != "until"]
    content["extensions"] = []


async def test_what_is_declared_no_more_is_not_served_and_outlives_every_change(start: Start) -> None:
    api = await start(registry())
    until = "2033-01-31T12:00:00Z"
    made = (await api.post("/Devices", device("a", memory=8, **{WARRANTY: {"provider": "ACME", "until": until}}))).body
    ada = await api.user(**{BADGE: {"number": "B7"}})

    api = await start(registry(without))
    path = f"/Devices/{made['id']}"
    shown = (await api.get(path)).body
    assert ("memory" in shown, shown[WARRANTY]) == (False, {"provider": "ACME"})
    person = (await api.get(f"/Users/{ada['id']}")).body
    assert BADGE not in person
    assert BADGE not in person["schemas"]
    for one, listed in ((shown, "/Devices"), (person, "/Users")):
        assert (await api.get(listed)).body["Resources"] == [one]
    refused = await api.ask("GET", "/Devices", filter="memory eq 8")
    assert (refused.status, refused.body["scimType"]) == (400, "invalidFilter")
    renamed = await api.patched(path, {"op": "replace", "path": "displayName", "value": "x"})
    replaced = await api.ask("PUT", path, {**renamed, "kind": "phone"})
    assert (replaced.status, "memory" in replaced.body, replaced.body[WARRANTY]) == (200, False, {"provider": "ACME"})
    await api.patched(f"/Users/{ada['id']}", {"op": "add", "path": "title", "value": "Dr"})

    api = await start(registry())
    [found] = await api.found("/Devices", 'memory eq 8 and kind eq "phone"')
    assert found[WARRANTY] == {"provider": "ACME", "until": until}
    assert (await api.get(f"/Users/{ada['id']}")).body[BADGE] == {"number": "B7"}


async def test_a_value_that_a_new_rule_forbids_stays_until_the_resource_is_written(start: Start) -> None:
    api = await start(registry())
    path = f"/Devices/{(await api.post('/Devices', device('a', memory=8))).body['id']}"

    def stricter(content: dict[str, Any]) -> None:
        attributes = {one["name"]: one for one in content["schemas"][0]["attributes"]}
        attributes["memory"]["type"] = "string"
        attributes["screen"]["required"] = True

    api = await start(registry(stricter))
    assert (await api.get(path)).body["memory"] == 8
    rename = {"op": "replace", "path": "displayName", "value": "x"}
    assert "screen" in (await api.patch(path, rename)).body["detail"]
    mended = await api.patched(path, rename, {"op": "add", "value": {"screen": 6, "memory": "8 GB"}})
    assert (mended["memory"], mended["screen"]) == ("8 GB", 6)
