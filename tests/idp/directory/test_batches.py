"""Many users at once: every change has its own outcome, and a bad one stops nobody else."""

from collections.abc import Sequence
from typing import Any

from idp.directory import LastRoot, Resource, UserCreate, UserUpdate
from idp.errors import CallerError, InvalidValue, NotFound, NotUnique, VersionMismatch
from idp.schema.urns import GATEHOUSE_USER
from idp.store import Insert, Store, Write
from tests.support.directory import SYSTEM, Directory, directory_over, everything
from tests.support.faulty_store import Fault, FaultyStore


def titled(title: str) -> Any:
    return lambda document: {**document, "title": title}


def kinds(outcomes: list[Resource | CallerError]) -> list[Any]:
    return [outcome.version if isinstance(outcome, Resource) else type(outcome) for outcome in outcomes]


async def test_each_change_has_its_outcome_in_order(directory: Directory, store: Store) -> None:
    ada = await directory.user("ada")
    root = await directory.users.create(SYSTEM, {"userName": "root"}, role="root")
    outcomes = await directory.users.write_many(
        SYSTEM,
        [
            UserCreate({"userName": "bob"}, source="ldap:corp", id="bob"),
            UserCreate({"userName": "ADA"}),
            UserUpdate(ada.id, titled("Countess")),
            UserCreate({"userName": 1}),
            UserUpdate("unknown", titled("x")),
            UserUpdate(root.id, lambda old: {**old, "active": False}, "gone"),
            UserCreate({"userName": "eve"}),
            UserCreate({"userName": "eve"}),
        ],
    )
    assert kinds(outcomes) == [1, NotUnique, 2, InvalidValue, NotFound, LastRoot, 1, NotUnique]
    assert {user["userName"] for user in await everything(store, "users")} == {"ada", "root", "bob", "eve"}
    assert (await directory.users.get(SYSTEM, "bob")).document[GATEHOUSE_USER]["source"] == "ldap:corp"
    assert [event["tag"] for event in await directory.events(ada.id)][-1] == "directory:user:updated"


async def test_conflicts_strewn_over_several_commits_stand_alone(directory: Directory, store: Store) -> None:
    taken = {3, 249, 250, 251, 600}
    for number in taken:
        await directory.user(f"person{number}")
    changes = [UserCreate({"userName": f"person{number}"}) for number in range(601)]
    outcomes = await directory.users.write_many(SYSTEM, changes)
    assert {number for number, outcome in enumerate(outcomes) if isinstance(outcome, NotUnique)} == taken
    assert len(await everything(store, "users")) == 601


async def test_changes_without_a_difference_are_not_written(directory: Directory) -> None:
    ada = await directory.user("ada", title="x")
    assert await directory.users.write_many(SYSTEM, [UserUpdate(ada.id, titled("x"))]) == [ada]
    assert len(await directory.events()) == 1


async def test_the_reason_and_the_extra_writes_go_with_each_change(directory: Directory, store: Store) -> None:
    ada = await directory.user("ada")
    link = Insert("ldap_links", {"id": "corp:1", "source": "corp", "resource": ada.id})
    off = UserUpdate(ada.id, lambda old: {**old, "active": False}, "gone from directory corp", extra=[link])
    [outcome] = await directory.users.write_many(SYSTEM, [off])
    assert isinstance(outcome, Resource)
    assert outcome.document[GATEHOUSE_USER]["status"]["reason"] == "gone from directory corp"
    assert len(await everything(store, "ldap_links")) == 1


async def test_a_stale_version_is_an_outcome(directory: Directory) -> None:
    ada = await directory.user("ada")
    changes = [
        UserUpdate(ada.id, titled("x"), expected_version=7),
        UserUpdate(ada.id, titled("y"), expected_version=1),
    ]
    assert kinds(await directory.users.write_many(SYSTEM, changes)) == [VersionMismatch, 2]


async def test_names_may_be_exchanged_within_one_call(directory: Directory) -> None:
    ada, bob = await directory.user("ada"), await directory.user("bob")
    swap = [
        UserUpdate(ada.id, lambda old: {**old, "userName": "bob"}),
        UserUpdate(bob.id, lambda old: {**old, "userName": "ada"}),
    ]
    assert kinds(await directory.users.write_many(SYSTEM, swap)) == [2, 2]


async def test_a_race_lost_within_a_batch_is_run_again_alone(directory: Directory) -> None:
    ada, bob = await directory.user("ada"), await directory.user("bob")
    others = directory_over(directory.store, directory.clock)
    raced = False

    def racing(document: dict[str, Any]) -> dict[str, Any]:
        return {**document, "title": "x"}

    class Racing(FaultyStore):
        async def commit(self, writes: Sequence[Write]) -> None:
            nonlocal raced
            if not raced:
                raced = True
                await others.users.update(SYSTEM, ada.id, lambda old: {**old, "nickName": "first"})
            await super().commit(writes)

    users = directory_over(Racing(directory.store), directory.clock).users
    outcomes = await users.write_many(SYSTEM, [UserUpdate(ada.id, racing), UserUpdate(bob.id, racing)])
    assert kinds(outcomes) == [3, 2]
    found = await directory.users.get(SYSTEM, ada.id)
    assert (found.document["title"], found.document["nickName"]) == ("x", "first")


async def test_a_refusal_of_what_was_done_already_does_nothing_twice(directory: Directory) -> None:
    ada = await directory.user("ada")
    faulty = FaultyStore(directory.store, at=1, fault=Fault.DENIED, verbs=frozenset({"commit"}))
    outcomes = await directory_over(faulty, directory.clock).users.write_many(SYSTEM, [UserUpdate(ada.id, titled("x"))])
    assert kinds(outcomes) == [2]
    assert len(await directory.events(ada.id)) == 2
