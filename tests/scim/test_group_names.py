"""A group's name that is taken, where names are unique."""

from pathlib import Path

from idp.schema import default_registry
from idp.store import open_store
from idp.store.collections import collections
from tests.scim.conftest import OpenApi
from tests.support.clock import FakeClock


async def test_a_second_group_of_a_name_is_a_conflict(open_api: OpenApi, clock: FakeClock, tmp_path: Path) -> None:
    registry = default_registry(unique_group_names=True)
    store = await open_store(f"sqlite:{tmp_path / 'unique.sqlite'}", collections(registry), clock)
    api = await open_api(store, registry=registry)
    await api.group(displayName="Crew")
    answer = await api.ask("POST", "/Groups", {"displayName": "CREW"})
    assert (answer.status, answer.body["scimType"]) == (409, "uniqueness")
    dry = await api.ask("POST", "/Groups", {"displayName": "CREW"}, dryRun="true")
    assert (dry.status, dry.body["scimType"]) == (409, "uniqueness")
    attributes = (await api.get("/Schemas/urn:ietf:params:scim:schemas:core:2.0:Group")).body["attributes"]
    assert {one["name"]: one["uniqueness"] for one in attributes}["displayName"] == "server"
    await store.close()
