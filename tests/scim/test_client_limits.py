"""What a client is told that comes from elsewhere or too often."""

from idp.access import SYSTEM_ACTOR
from idp.auth import ClientSettings
from tests.support.scim import Api

SYSTEM = SYSTEM_ACTOR("test")


async def test_a_client_from_elsewhere_is_told_which_address_was_seen(api: Api) -> None:
    settings = ClientSettings(networks=("192.0.2.0/24",))
    _, api.token = await api.behind.clients.create(SYSTEM, "far", settings=settings)
    answer = await api.ask("GET", "/Users")
    assert answer.status == 403
    assert "127.0.0.1" in answer.body["detail"]
    assert answer.body["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:Error"]


async def test_a_client_that_asks_too_often_is_told_when_to_come_again(api: Api) -> None:
    _, token = await api.behind.clients.create(SYSTEM, "fast", settings=ClientSettings(rate="2/1m"))
    own, api.token = api.token, token
    assert [(await api.ask("GET", "/Users")).status for _ in range(3)] == [200, 200, 429]
    refused = await api.ask("GET", "/Users")
    assert (refused.headers["Retry-After"], refused.body["status"]) == ("30", "429")
    api.token = own
    assert (await api.ask("GET", "/Users")).status == 200
    api.token = token
    api.behind.clock.advance(30)
    assert (await api.ask("GET", "/Users")).status == 200
