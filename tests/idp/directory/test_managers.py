"""A manager is a reference to another account: kept or refused when nobody knows it, and gone with the account."""

from typing import Any

import pytest

from idp.directory import PeopleRules, Resource, UserCreate
from idp.errors import CallerError, InvalidValue
from idp.query import And, Compare, Field, Filter, Kind, Not, Op, Present, Query, ValuePath, matches
from idp.schema.urns import ENTERPRISE_USER, USER
from tests.support.clock import FakeClock
from tests.support.directory import PROVISIONER, SYSTEM, Directory, directory_over
from tests.support.directory import person as person_of
from tests.support.faulty_store import FaultyStore

# Nobody looks for namesakes of what an administrator writes.
SCRIPT = person_of("root", "root")
on_each_store = pytest.mark.parametrize("stores", ["sqlite", "pymongo"], indirect=True)
NAME = Field((ENTERPRISE_USER, "manager", "displayName"), case_exact=False)
INNER = Field(("displayName",), case_exact=False)
MANAGER = Field((ENTERPRISE_USER, "manager"), Kind.COMPLEX)


def led_by(manager: str, **more: Any) -> dict[str, Any]:
    return {ENTERPRISE_USER: {"manager": {"value": manager}, **more}}


@pytest.fixture
def strict(directory: Directory, clock: FakeClock) -> Directory:
    """The same directory where unknown managers are refused."""
    return directory_over(directory.store, clock, prefix="strict-", rules=PeopleRules(refuse_unknown_managers=True))


async def shown(directory: Directory, user: Resource) -> Resource:
    return await directory.users.get(SYSTEM, user.id)


@on_each_store
async def test_who_is_deleted_is_nobodys_manager_any_more(directory: Directory, clock: FakeClock) -> None:
    boss = await directory.user("boss", displayName="The Boss")
    ada = await directory.user("ada", **led_by(boss.id))
    eve = await directory.user("eve", **led_by(boss.id, department="Art"))
    other = await directory.user("other", **led_by(ada.id))
    clock.advance(60)
    await directory.users.delete(PROVISIONER, boss.id)
    now = [await shown(directory, user) for user in (ada, eve, other)]
    assert [user.version for user in now] == [2, 2, 1]
    assert now[0].document["schemas"] == [USER, now[0].document["schemas"][-1]]
    assert ENTERPRISE_USER not in now[0].document
    assert now[1].document[ENTERPRISE_USER] == {"department": "Art"}
    assert now[1].document["meta"]["lastModified"] > eve.document["meta"]["lastModified"]
    [told] = [event for event in await directory.events(ada.id) if event["tag"] == "directory:user:updated"]
    assert told["actor"] == PROVISIONER.id
    assert told["details"] == {"userName": "ada", "fields": [ENTERPRISE_USER], "manager": "deleted"}


async def test_who_is_the_own_manager_can_be_deleted(directory: Directory) -> None:
    boss = await directory.users.create(SYSTEM, {"userName": "boss", **led_by("boss")}, id="boss")
    await directory.users.delete(SYSTEM, boss.id)
    assert (await directory.users.find(SYSTEM, Query())).total == 0


async def test_an_unknown_manager_is_kept_as_sent(directory: Directory) -> None:
    made = await directory.users.create(PROVISIONER, {"userName": "ada", **led_by("boss@example.com")})
    assert made.document[ENTERPRISE_USER]["manager"] == {"value": "boss@example.com"}


@on_each_store
async def test_an_unknown_manager_is_refused_where_that_is_set(strict: Directory) -> None:
    boss, ada = await strict.user("boss"), await strict.user("ada")

    def led(by: str) -> Any:
        return strict.users.update(PROVISIONER, ada.id, lambda document: {**document, **led_by(by)})

    with pytest.raises(InvalidValue, match="nobody has the id 'who'"):
        await led("who")
    assert (await shown(strict, ada)).version == 1
    assert (await led(boss.id)).version == 2
    # What is there already is no new reference.
    assert (await led(boss.id)).version == 2
    assert (await led(ada.id)).version == 3


async def test_a_directory_names_managers_before_it_makes_them(strict: Directory) -> None:
    ada = await strict.user("ada", **led_by("boss"))
    boss = await strict.users.create(SYSTEM, {"userName": "boss"}, id="boss")
    assert await strict.users.names_of([boss.id, "nobody"]) == {"boss": "boss"}
    assert (await shown(strict, ada)).document[ENTERPRISE_USER]["manager"] == {"value": boss.id}


@on_each_store
async def test_people_made_together_may_be_each_others_managers(strict: Directory) -> None:
    pair = [UserCreate({"userName": name, **led_by(other)}, id=name) for name, other in (("a", "b"), ("b", "a"))]
    lost = UserCreate({"userName": "c", **led_by("d")}, id="c")
    bad = UserCreate({"userName": "", **led_by("a")}, id="d")
    outcomes = await strict.users.write_many(PROVISIONER, [*pair, lost, bad])
    assert [isinstance(outcome, CallerError) for outcome in outcomes] == [False, False, True, True]
    assert sorted(record.id for record in (await strict.users.find(SYSTEM, Query())).records) == ["a", "b"]


async def test_the_managers_of_many_people_are_looked_for_at_once(directory: Directory, clock: FakeClock) -> None:
    bosses = [(await directory.user()).id for _ in range(6)]
    reads = []
    for size in (1, 5):
        counting = FaultyStore(directory.store, verbs=frozenset({"get", "get_many"}))
        strict = directory_over(counting, clock, prefix=f"{size}-", rules=PeopleRules(refuse_unknown_managers=True))
        led = [UserCreate({"userName": f"{size}-{boss}", **led_by(boss)}) for boss in bosses[-size:]]
        assert not [one for one in await strict.users.write_many(SCRIPT, led) if isinstance(one, CallerError)]
        reads.append(counting.calls)
    assert reads == [1, 1]


CONDITIONS: list[Filter] = [
    Compare(NAME, Op.EQ, "the boss"),
    Compare(NAME, Op.NE, "The Boss"),
    Compare(NAME, Op.SW, "lea"),
    Compare(NAME, Op.EQ, None),
    Compare(NAME, Op.NE, None),
    Present(NAME),
    Not(Compare(NAME, Op.EQ, "lead")),
    ValuePath(MANAGER, Compare(INNER, Op.CO, "boss")),
    ValuePath(MANAGER, Not(Compare(INNER, Op.CO, "boss"))),
    ValuePath(MANAGER, And((Compare(INNER, Op.EQ, "lead"), Compare(Field(("value",)), Op.EQ, "lead")))),
]


@on_each_store
async def test_a_managers_name_is_searched_as_if_it_were_stored(directory: Directory) -> None:
    people = [await directory.users.create(SYSTEM, {"userName": "boss", "displayName": "The Boss"}, id="boss")]
    people.append(await directory.users.create(SYSTEM, {"userName": "lead", **led_by("boss")}, id="lead"))
    people += [await directory.user(name, **led_by(by)) for name, by in (("ada", "lead"), ("eve", "boss"))]
    documents = []
    for person in people:
        document = {**person.document}
        if extension := document.get(ENTERPRISE_USER):
            name = {"boss": "The Boss", "lead": "lead"}[extension["manager"]["value"]]
            document[ENTERPRISE_USER] = {"manager": {**extension["manager"], "displayName": name}}
        documents.append(document)
    for condition in CONDITIONS:
        expected = {document["id"] for document in documents if matches(condition, document)}
        found = await directory.users.find(SYSTEM, Query(condition))
        assert {record.id for record in found.records} == expected, condition
