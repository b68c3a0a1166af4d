"""Commits and reads that come at the same moment, which backends may make as one: each fares as it would alone."""

import asyncio
from typing import Any

from idp.clock import to_text
from idp.errors import InvalidValue, NotUnique, TooLarge, VersionMismatch
from idp.query import EVERYTHING, Compare, In, Op, Query
from idp.store import Check, Delete, DeleteWhere, Insert, Record, Replace, Store, Write
from tests.support.clock import FakeClock
from tests.support.stores import CODE, MAIL, OWNER, Stores

MANY = 30


def person(number: int) -> Insert:
    return Insert("people", {"id": f"p{number:02}", "userName": f"person{number}", "code": f"c{number}"})


async def outcomes(store: Store, commits: list[list[Write]]) -> list[BaseException | None]:
    return list(await asyncio.gather(*map(store.commit, commits), return_exceptions=True))


async def test_of_commits_made_together_only_that_fails_in_whose_way_something_stands(store: Store) -> None:
    await store.commit([Insert("people", {"id": "there", "userName": "person7"}), Insert("plain", {"id": "there"})])
    commits: list[list[Write]] = [[person(number), Insert("plain", {"id": f"{number}"})] for number in range(MANY)]
    guilty: dict[int, tuple[list[Write], type[Exception]]] = {
        7: (commits[7], NotUnique),
        9: ([person(9), Replace("plain", {"id": "there"}, 5)], VersionMismatch),
        11: ([person(11), Insert("plain", {"id": "there"})], NotUnique),
        13: ([person(13), Check("plain", "gone")], VersionMismatch),
        15: ([person(15), Delete("plain", "gone")], VersionMismatch),
    }
    for number, (writes, _) in guilty.items():
        commits[number] = writes
    for number, outcome in enumerate(await outcomes(store, commits)):
        assert isinstance(outcome, guilty[number][1]) if number in guilty else outcome is None
    made = {f"p{number:02}" for number in range(MANY)} - {f"p{number:02}" for number in guilty}
    found = (await store.find("people", Query(limit=1000))).records
    assert {record.id for record in found} == made | {"there"}
    assert await store.count("people", EVERYTHING) == len(made) + 1
    assert await store.count("plain", EVERYTHING) == len(made) + 1


async def test_what_cannot_be_stored_stops_nobody_beside_it(store: Store) -> None:
    spoilt: list[dict[str, Any]] = [{"n": 2**64}, {"t": "\ud800"}]
    commits: list[list[Write]] = [[person(number)] for number in range(8)]
    commits += [[person(8 + number), Insert("plain", {"id": f"{number}", **one})] for number, one in enumerate(spoilt)]
    came = await outcomes(store, commits)
    assert came[:8] == [None] * 8
    # What one backend cannot store another one may.
    assert all(outcome is None or isinstance(outcome, InvalidValue | TooLarge) for outcome in came[8:])
    assert await store.count("people", EVERYTHING) == came.count(None)


async def test_changes_of_one_record_that_come_together_are_made_in_turn(store: Store) -> None:
    await store.commit([Insert("plain", {"id": "1", "number": 0})])

    async def add_one() -> None:
        while True:
            found = await store.get("plain", "1")
            assert found is not None
            try:
                more = {"id": "1", "number": found.document["number"] + 1}
                return await store.commit([Replace("plain", more, found.version)])
            except VersionMismatch:
                await asyncio.sleep(0)

    await asyncio.gather(*(add_one() for _ in range(12)))
    assert await store.get("plain", "1") == Record("1", 13, {"id": "1", "number": 12})


async def test_a_name_that_many_want_together_goes_to_one(stores: Stores) -> None:
    some = [await stores.open() for _ in range(2)]
    wanted = [Insert("people", {"id": f"{number}", "userName": "Anna"}) for number in range(10)]
    others = [person(number) for number in range(10)]
    commits = [
        some[number % 2].commit([one]) for number, pair in enumerate(zip(wanted, others, strict=True)) for one in pair
    ]
    came = await asyncio.gather(*commits, return_exceptions=True)
    assert sum(isinstance(outcome, NotUnique) for outcome in came) == 9
    assert came.count(None) == 11
    assert await some[0].count("people", EVERYTHING) == 11


async def test_commits_that_have_to_read_first_go_beside_those_made_together(store: Store) -> None:
    await store.commit([Insert("passes", {"id": f"x{n}", "owner": f"o{n}", "name": f"n{n}"}) for n in range(5)])
    await store.commit([Insert("people", {"id": f"q{n}", "userName": f"q{n}"}) for n in range(5)])
    commits: list[list[Write]] = [[person(number)] for number in range(10)]
    commits += [[DeleteWhere("passes", OWNER, f"o{n}"), Delete("people", f"q{n}")] for n in range(5)]
    commits += [[person(10 + n), Replace("people", {"id": f"p{10 + n}", "code": "new"}, 1)] for n in range(3)]
    assert await outcomes(store, commits) == [None] * 18
    assert await store.count("passes", EVERYTHING) == 0
    assert await store.count("people", EVERYTHING) == 13
    assert {record.document["code"] for record in (await store.find("people", Query(limit=99))).records[-3:]} == {"new"}


async def test_readers_of_one_record_at_one_moment_have_each_their_own(store: Store) -> None:
    await store.commit([Insert("plain", {"id": "1", "list": []}), Insert("plain", {"id": "2"})])
    first, second = await asyncio.gather(store.get("plain", "1"), store.get_many("plain", ["2", "1", "none"]))
    assert first is not None
    first.document["list"].append("mine")
    assert second == {"2": Record("2", 1, {"id": "2"}), "1": Record("1", 1, {"id": "1", "list": []})}
    assert list(second) == ["2", "1"]


async def test_finders_of_one_page_at_one_moment_have_each_their_own(store: Store) -> None:
    await store.commit([Insert("plain", {"id": "1", "list": []})])
    first, second = await asyncio.gather(*(store.find("plain", Query(limit=5)) for _ in range(2)))
    first.records[0].document["list"].append("mine")
    first.records.clear()
    assert list(second.records) == [Record("1", 1, {"id": "1", "list": []})]


async def test_a_read_sees_what_was_acknowledged_before_it_was_asked_for(stores: Stores) -> None:
    ours, theirs = await stores.open(), await stores.open()
    await theirs.commit([Insert("plain", {"id": "1"})])
    for version in range(1, 21):
        # One is under way, begun before the commit, when the next is asked for.
        early = [asyncio.create_task(ours.get("plain", "1")) for _ in range(3)]
        await theirs.commit([Replace("plain", {"id": "1"}, version)])
        late = await ours.get("plain", "1")
        assert late is not None
        assert late.version == version + 1
        await asyncio.gather(*early)


async def test_values_searched_for_at_the_same_moment_are_found_as_each_would_be(
    store: Store, clock: FakeClock
) -> None:
    mails = [{"value": f"M{n}@x"} for n in range(4)]
    some = [{"id": f"{n}", "code": f"c{n % 3}", "emails": mails[max(0, n - 1) : n + 1]} for n in range(4)]
    await store.commit(
        [
            *(Insert("people", one) for one in some),
            *(Insert("people", {"id": f"many{n:02}", "code": "many"}) for n in range(120)),
            Insert("passes", {"id": "p", "owner": "ada", "expires": to_text(clock.now())}),
        ]
    )
    sought = [(MAIL, f"m{n}@X") for n in range(5)] + [(CODE, code) for code in ("c0", "c1", "none")]
    found = await asyncio.gather(
        *(store.find("people", Query(Compare(field, Op.EQ, value))) for field, value in sought)
    )
    assert [[one.id for one in page.records] for page in found] == [
        *(["0", "1"], ["1", "2"], ["2", "3"], ["3"], []),
        *(["0", "3"], ["1"], []),
    ]
    assert [page.total for page in found] == [len(page.records) for page in found]
    for code in ("many", "c0"):
        page = await store.find("people", Query(Compare(CODE, Op.EQ, code), limit=2))
        assert (len(page.records), page.total) == (2, 120 if code == "many" else 2)
    several = await store.find("people", Query(In(MAIL, ("m0@x", "M1@x", "none")), limit=2))
    assert ([one.id for one in several.records], several.total) == (["0", "1"], 3)
    assert (await store.find("passes", Query(Compare(OWNER, Op.EQ, "ada")))).total == 0
