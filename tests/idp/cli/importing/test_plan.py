"""What an import comes to, over a real directory: planned without a change, then carried out."""

from collections.abc import AsyncIterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from idp.cli.importing.apply import apply
from idp.cli.importing.plan import Plan, Planner
from idp.cli.importing.rows import GROUPS, USERS, Row, Wrong
from idp.store import open_store
from idp.store.collections import collections
from tests.support.clock import FakeClock
from tests.support.directory import SYSTEM, Directory, directory_over, everything


@pytest.fixture
async def directory(tmp_path: Path, clock: FakeClock) -> AsyncIterator[Directory]:
    store = await open_store(f"sqlite:{tmp_path / 'idp.sqlite'}", collections(), clock)
    yield directory_over(store, clock)
    await store.close()


def user(line: int, user_name: str, /, *groups: str, **more: Any) -> Row:
    return Row(line, USERS, {"userName": user_name, **more}, groups=groups)


def group(line: int, name: str, /, *members: str, **more: Any) -> Row:
    return Row(line, GROUPS, {"displayName": name, **more}, members=members)


async def plan_of(directory: Directory, *rows: Row | Wrong) -> Plan:
    numbers = count(1)
    return await Planner(directory.users, directory.groups, SYSTEM, lambda: f"new-{next(numbers)}").plan(rows)


async def import_rows(directory: Directory, *rows: Row | Wrong) -> Plan:
    return await apply(await plan_of(directory, *rows), directory.users, directory.groups, SYSTEM)


def told(plan: Plan) -> dict[str, tuple[str, ...]]:
    """Return the fields that would change, by name; new ones are ("new",)."""
    changes = (*plan.users, *plan.groups)
    return {change.row.name: change.fields if change.before else ("new",) for change in changes}


async def test_planning_changes_nothing(directory: Directory) -> None:
    await directory.user("anna", title="CEO")
    before = {name: await everything(directory.store, name) for name in ("users", "groups", "edges", "audit")}
    plan = await plan_of(directory, user(2, "anna", "Sales", title="CTO"), user(3, "ben", "Sales"), group(4, "Board"))
    assert told(plan) == {"anna": ("title",), "ben": ("new",), "Sales": ("new",), "Board": ("new",)}
    assert before == {name: await everything(directory.store, name) for name in before}


async def test_the_same_file_twice_changes_nothing_the_second_time(directory: Directory) -> None:
    rows = [
        user(2, "anna", "Sales", externalId="1", name={"givenName": "Anna"}),
        user(3, "ben", "Sales", externalId="2", emails=[{"value": "ben@example.org", "primary": True}]),
        group(4, "Everybody", "Sales", "2", externalId="g1"),
    ]
    first = await import_rows(directory, *rows)
    assert (len(first.users), len(first.groups), first.unchanged, first.wrong) == (2, 2, 0, [])
    second = await import_rows(directory, *rows)
    assert (second.users, second.groups, second.unchanged, second.wrong) == ([], [], 4, [])
    groups = {found["displayName"]: found["id"] for found in await everything(directory.store, "groups")}
    people = {found["userName"]: found["id"] for found in await everything(directory.store, "users")}
    edges = {(edge["group"], edge["member"]) for edge in await everything(directory.store, "edges")}
    assert edges == {
        (groups["Sales"], people["anna"]),
        (groups["Sales"], people["ben"]),
        (groups["Everybody"], groups["Sales"]),
        (groups["Everybody"], people["ben"]),
    }


async def test_who_is_there_is_found_by_external_id_and_then_by_user_name(directory: Directory) -> None:
    by_id = await directory.user("anna", externalId="1", title="CEO")
    by_name = await directory.user("Ben")
    result = await import_rows(
        directory, user(2, "anna.new", externalId="1"), user(3, "BEN", externalId="2", title="CTO")
    )
    assert told(result) == {"anna.new": ("userName",), "BEN": ("userName", "externalId", "title")}
    renamed = await directory.users.get(SYSTEM, by_id.id)
    assert (renamed.document["userName"], renamed.document["title"]) == ("anna.new", "CEO")
    assert (await directory.users.get(SYSTEM, by_name.id)).document["externalId"] == "2"


async def test_what_a_file_does_not_say_stays(directory: Directory) -> None:
    name = {"givenName": "Anna", "familyName": "Å"}
    anna = await directory.users.create(SYSTEM, {"userName": "anna", "title": "CEO", "name": name, "active": False})
    await import_rows(directory, user(2, "anna", name={"familyName": "Ångström"}))
    document = (await directory.users.get(SYSTEM, anna.id)).document
    assert document["name"] == {"givenName": "Anna", "familyName": "Ångström"}
    assert (document["title"], document["active"]) == ("CEO", False)


@pytest.mark.parametrize(
    ("rows", "line", "reason"),
    [
        pytest.param([user(2, "a/b")], 2, "userName: may not hold /", id="a name with signs"),
        pytest.param([user(2, "")], 2, "userName", id="no name"),
        pytest.param([user(2, "cy", active="perhaps")], 2, "active: ", id="wrong type"),
        pytest.param([user(2, "cy"), user(3, "CY")], 3, "'CY' is the same as line 2", id="the same name twice"),
        pytest.param(
            [user(2, "cy", externalId="9"), user(3, "di", externalId="9")],
            3,
            "'di' is the same as line 2",
            id="the same externalId twice",
        ),
        pytest.param([user(1, "cy"), user(1, "CY")], 1, "'CY' is the same as one before it", id="twice on one line"),
        pytest.param(
            [user(1, "cy", externalId="9"), user(1, "di", externalId="9")],
            1,
            "'di' is the same as one before it on this line",
            id="the same externalId twice on one line",
        ),
        pytest.param(
            [user(2, "ben", externalId="1")], 2, "externalId '1' is 'anna', but 'ben' is somebody else", id="two people"
        ),
        pytest.param([group(2, "Board", "nobody")], 2, "nobody is known as 'nobody'", id="an unknown member"),
        pytest.param([group(2, "Twins")], 2, "2 groups are called 'Twins'", id="groups of the same name"),
        pytest.param([group(2, "Ring", "Ring")], 2, "members: a group cannot be a member of itself", id="itself"),
        pytest.param([user(2, "cy", emails=[{"value": "x"}])], 2, "emails: is not a mail address", id="no address"),
        pytest.param([Wrong(2, "unreadable")], 2, "unreadable", id="already wrong when it was read"),
    ],
)
async def test_a_row_that_is_wrong_is_named_and_stops_no_other(
    directory: Directory, rows: list[Row | Wrong], line: int, reason: str
) -> None:
    await directory.user("anna", externalId="1")
    await directory.user("ben")
    await directory.group("Twins")
    await directory.group("Twins")
    assert len((await plan_of(directory, *rows)).wrong) == 1
    result = await import_rows(directory, *rows, user(99, "good"))
    [wrong] = result.wrong
    assert wrong.line == line
    assert wrong.reason.startswith(reason)
    assert "good" in told(result)


async def test_memberships_are_added_and_none_is_taken_away(directory: Directory) -> None:
    anna, ben = await directory.user("anna"), await directory.user("ben")
    sales = await directory.group("Sales", anna)
    result = await import_rows(directory, group(2, "sales", "ben", description="ignored"))
    assert [len(change.add) for change in result.groups] == [1]
    assert set(await directory.members(sales)) == {anna.id, ben.id}


async def test_a_change_meanwhile_is_not_overwritten(directory: Directory) -> None:
    anna = await directory.user("anna", title="CEO")
    plan = await plan_of(directory, user(2, "anna", title="CTO"))
    await directory.users.update(SYSTEM, anna.id, lambda document: {**document, "title": "CFO"})
    result = await apply(plan, directory.users, directory.groups, SYSTEM)
    assert [wrong.line for wrong in result.wrong] == [2]
    assert (await directory.users.get(SYSTEM, anna.id)).document["title"] == "CFO"


async def test_what_was_made_is_told_when_only_a_part_of_a_row_fails(directory: Directory) -> None:
    await directory.user("anna")
    gone = await directory.group("Gone")
    plan = await plan_of(directory, group(1, "Board", "Gone", "anna"), group(2, "Sales", "Gone"))
    await directory.groups.delete(SYSTEM, gone.id)
    result = await apply(plan, directory.users, directory.groups, SYSTEM)
    assert [wrong.line for wrong in result.wrong] == [1, 2]
    assert {change.row.name: [member.type for member in change.add] for change in result.groups} == {
        "Board": [USERS],
        "Sales": [],
    }
    assert {found["displayName"] for found in await everything(directory.store, "groups")} == {"Board", "Sales"}


async def test_external_ids_that_differ_in_case_are_two_people(directory: Directory) -> None:
    people = [user(1, "cy", externalId="a"), user(1, "di", externalId="A")]
    result = await import_rows(directory, *people, group(2, "Lower", "a"), group(3, "Upper", "A"))
    ids = {change.row.name: change.id for change in result.users}
    members = {change.row.name: [member.value for member in change.add] for change in result.groups}
    assert members == {"Lower": [ids["cy"]], "Upper": [ids["di"]]}
