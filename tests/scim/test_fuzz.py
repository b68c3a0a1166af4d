"""Some hundred of the mutated requests that `make fuzz` sends by the hundred thousand."""

import pytest

from idp.access import SYSTEM_ACTOR
from tests.fuzz.run import Server, run
from tests.support.ports import HOST
from tests.support.scim import Api

SYSTEM = SYSTEM_ACTOR("test")


@pytest.mark.parametrize(("store", "count"), [("sqlite", 250), ("pymongo", 40)], indirect=["store"])
async def test_no_odd_request_makes_the_server_stumble_or_changes_what_it_must_not(api: Api, count: int) -> None:
    me = await api.behind.users.create(SYSTEM, {"userName": "me"}, role="admin")
    personal = await api.behind.personal_tokens.create(SYSTEM, me.id, "laptop")
    report = await run(Server(HOST, api.port, api.token, personal), seed=1, numbers=range(count))
    assert report.findings == []
    assert report.requests == count
    assert report.statuses[200] > count / 10
    assert report.statuses[400] > count / 10
