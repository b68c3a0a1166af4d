"""Nobody is provisioned under a name by which somebody else is known."""

from typing import Any
from uuid import uuid4

import pytest

from idp.directory import Resource, UserCreate, UserUpdate
from idp.directory.namesakes import FEW
from idp.errors import NotUnique
from tests.support.directory import PROVISIONER, SYSTEM, Directory, directory_over, everything
from tests.support.faulty_store import FaultyStore
from tests.support.stores import BACKENDS

BOSS = "boss@example.test"


@pytest.fixture
async def boss(directory: Directory) -> Resource:
    """An administrator whose id looks like those that are made in earnest."""
    document = {"userName": "The.Boss", "emails": [{"value": BOSS}]}
    return await directory.users.create(SYSTEM, document, role="admin", id=str(uuid4()))


def mailed(*addresses: str) -> dict[str, Any]:
    return {"emails": [{"value": address} for address in addresses]}


@pytest.mark.parametrize("stores", BACKENDS, indirect=True)
@pytest.mark.parametrize(
    ("document", "attribute"),
    [
        ({"userName": "BOSS@example.test"}, "userName"),
        ({"userName": "eve", **mailed("eve@example.test", "Boss@Example.test")}, "emails"),
        ({"userName": "eve", **mailed("the.boss")}, "emails"),
        ({"userName": BOSS, **mailed(BOSS)}, "userName"),
    ],
)
async def test_a_client_makes_no_namesake_of_an_administrator(
    directory: Directory, boss: Resource, document: dict[str, Any], attribute: str
) -> None:
    with pytest.raises(NotUnique) as caught:
        await directory.users.create(PROVISIONER, document)
    assert caught.value.attribute == attribute
    found = await directory.users.by_login(BOSS)
    assert found is not None
    assert found.id == boss.id


@pytest.mark.parametrize("administrators", [1, FEW, FEW + 1])
@pytest.mark.parametrize("role", ["admin", "root"])
async def test_a_client_gives_an_account_no_name_of_an_administrator(
    directory: Directory, role: str, administrators: int
) -> None:
    for number in range(1, administrators):
        await directory.users.create(SYSTEM, {"userName": f"other{number}"}, role="admin")
    await directory.users.create(SYSTEM, {"userName": "chief", **mailed(BOSS)}, role=role)
    eve = await directory.user("eve", **mailed("eve@example.test"))
    for change in ({"userName": BOSS}, mailed("eve@example.test", BOSS), mailed("CHIEF")):
        with pytest.raises(NotUnique):
            await directory.users.replace(PROVISIONER, eve.id, {**eve.document, **change})
    assert (await directory.users.get(SYSTEM, eve.id)).version == 1


async def test_among_many_changes_of_a_client_only_the_namesake_is_refused(
    directory: Directory, boss: Resource
) -> None:
    eve = await directory.user("eve")
    outcomes = await directory.users.write_many(
        PROVISIONER,
        [
            UserCreate({"userName": "mallory", **mailed(BOSS)}),
            UserUpdate(eve.id, lambda document: {**document, "userName": BOSS}),
            UserCreate({"userName": "ada", **mailed("ada@example.test")}),
        ],
    )
    assert [type(outcome) for outcome in outcomes] == [NotUnique, NotUnique, Resource]


async def test_an_account_keeps_what_it_shares_with_an_administrator(directory: Directory, boss: Resource) -> None:
    shared = await directory.user("ada", **mailed(BOSS))
    after = await directory.users.update(
        PROVISIONER, shared.id, lambda document: {**document, **mailed(BOSS, "ada@example.test")}
    )
    assert len(after.document["emails"]) == 2


async def test_people_below_administrators_may_share_an_address_that_then_means_nobody(directory: Directory) -> None:
    await directory.user("ada", **mailed("family@example.test"))
    await directory.users.create(PROVISIONER, {"userName": "bob", **mailed("family@example.test")})
    assert await directory.users.by_login("family@example.test") is None


async def test_a_login_name_goes_before_an_address(directory: Directory) -> None:
    ada = await directory.user("ada@example.test")
    await directory.user("bob", **mailed("ada@example.test"))
    found = await directory.users.by_login("ADA@example.test")
    assert found is not None
    assert found.id == ada.id


@pytest.mark.parametrize("actor", [PROVISIONER, SYSTEM], ids=["client", "system"])
async def test_no_login_name_is_another_accounts_id(directory: Directory, actor: Any) -> None:
    ada = await directory.users.create(SYSTEM, {"userName": "ada"}, id=str(uuid4()))
    with pytest.raises(NotUnique):
        await directory.users.create(actor, {"userName": ada.id.upper()})
    await directory.users.create(actor, {"userName": str(uuid4())})
    await directory.users.create(actor, {"userName": "bob", **mailed(ada.id)}, source="import")


async def test_a_client_gives_nobody_an_administrators_id_as_an_address(directory: Directory, boss: Resource) -> None:
    with pytest.raises(NotUnique):
        await directory.users.create(PROVISIONER, {"userName": "eve", **mailed(boss.id)})


async def test_looking_for_namesakes_costs_a_client_one_read_and_others_none(directory: Directory) -> None:
    reads = FaultyStore(directory.store, verbs=frozenset({"get", "get_many", "find"}))
    over = directory_over(reads, directory.clock)
    await over.users.create(PROVISIONER, {"userName": "a@example.test", **mailed("A@example.test")})
    assert reads.calls == 1
    eve = await over.users.create(SYSTEM, {"userName": "b@example.test", **mailed("b@example.test")})
    assert reads.calls == 1
    await over.users.update(PROVISIONER, eve.id, lambda document: {**document, "title": "Dr"})
    assert reads.calls == 2, "the account itself, no more"
    assert len(await everything(directory.store, "users")) == 2
