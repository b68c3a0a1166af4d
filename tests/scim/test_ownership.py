"""What a client is told that reaches for people or attributes of somebody else."""

from idp.access import SYSTEM_ACTOR
from idp.auth import ClientSettings
from tests.support.scim import Api

SYSTEM = SYSTEM_ACTOR("test")


async def bound(api: Api, name: str, source: str) -> str:
    _, token = await api.behind.clients.create(SYSTEM, name, settings=ClientSettings(source=source))
    return token


async def test_a_person_of_another_source_answers_403_and_says_whose_it_is(api: Api) -> None:
    shared, hr, payroll = api.token, await bound(api, "a", "people"), await bound(api, "b", "pay")
    api.token = hr
    made = await api.user(userName="ann")
    path = f"/Users/{made['id']}"
    for token in (shared, payroll):
        api.token = token
        for method, body in (("PUT", {"userName": "ann"}), ("DELETE", None)):
            answer = await api.ask(method, path, body)
            assert (answer.status, "scim:people" in answer.body["detail"]) == (403, True)
        answer = await api.patch(path, {"op": "replace", "path": "active", "value": False})
        assert answer.status == 403
        assert (await api.get(path)).body == made
    api.token = hr
    assert (await api.patched(path, {"op": "replace", "path": "active", "value": False}))["active"] is False
    assert (await api.ask("DELETE", path)).status == 204


async def test_members_are_whose_ever_they_are(api: Api) -> None:
    api.token = await bound(api, "a", "people")
    ann = await api.user(userName="ann")
    api.token = await bound(api, "b", "pay")
    group = await api.group(ann)
    assert [member["value"] for member in group["members"]] == [ann["id"]]
