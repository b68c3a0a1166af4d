"""Conditions on derived attributes mean what they would mean if the values were in the document."""

from dataclasses import dataclass, replace
from itertools import cycle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.directory import Resource
from idp.directory.edges import Edges, insert_edge
from idp.directory.filters import DerivedFilters
from idp.errors import TooLarge
from idp.query import (
    VERSION,
    And,
    Compare,
    Field,
    Filter,
    In,
    Kind,
    Not,
    Op,
    Or,
    Place,
    Present,
    Query,
    Sort,
    ValuePath,
    judged,
    matches,
    sort_key,
)
from idp.schema.urns import ENTERPRISE_USER
from idp.store import Insert, Page
from tests.support.directory import SYSTEM, Directory
from tests.support.faulty_store import FaultyStore

NAME = Field(("displayName",), case_exact=False)
VALUE, DISPLAY, TYPE = (
    Field(("value",)),
    Field(("display",), case_exact=False),
    Field(("type",), case_exact=False),
)


def at(head: str, inner: Field) -> Field:
    return Field((head, *inner.path), inner.kind, inner.case_exact)


class Scene:
    """Five people and five groups: nested, in a circle, empty."""

    def __init__(self, directory: Directory) -> None:
        self.directory = directory
        self.people: list[Resource] = []
        self.groups: dict[str, Resource] = {}
        self.sorts = cycle([Sort(NAME, descending=True), Sort(VERSION)])

    async def set(self) -> None:
        directory = self.directory
        self.people = [await directory.user(f"user{n}", **({"displayName": f"U{n}"} if n else {})) for n in range(5)]
        self.people[2] = await directory.users.update(SYSTEM, self.people[2].id, lambda user: {**user, "title": "Dr"})
        ada, bob, eve, joe, _ = self.people
        inner = await directory.group("inner", ada)
        middle = await directory.group("middle", inner, bob)
        outer = await directory.group("outer", middle, eve, ada)
        await directory.groups.replace(
            SYSTEM, inner.id, {"displayName": "inner", "members": [{"value": ada.id}, {"value": outer.id}]}
        )
        lone = await directory.group("lone", joe)
        empty = await directory.group("empty")
        self.groups = {"inner": inner, "middle": middle, "outer": outer, "lone": lone, "empty": empty}

    async def documents(self, head: str) -> list[dict[str, Any]]:
        """Return users or groups with the derived attribute filled in."""
        if head == "groups":
            found = await self.directory.users.groups_of([user.id for user in self.people])
            return [{**user.document, "groups": found[user.id]} for user in self.people]
        groups = list(self.groups.values())
        members = await self.directory.groups.members_of([group.id for group in groups])
        return [{**group.document, "members": members[group.id]} for group in groups]

    async def agrees(self, head: str, filter: Filter, *, sliced: bool = True) -> None:
        """Show that finding gives what `matches` says of the filled-in documents, also `sliced`, page by page."""
        expected = {document["id"] for document in await self.documents(head) if matches(filter, document)}
        service = self.directory.users if head == "groups" else self.directory.groups
        page = await service.find(SYSTEM, Query(filter))
        assert {record.id for record in page.records} == expected
        assert page.total == len(expected)
        if sliced:
            await self.agrees_in_slices(head, filter)

    async def agrees_in_slices(self, head: str, filter: Filter) -> None:
        """Show that pages are the same in slices of two ids, in either order."""
        service = self.directory.users if head == "groups" else self.directory.groups
        filters = DerivedFilters(self.directory.store, Edges(self.directory.store), most=2)
        find = filters.find_users if head == "groups" else filters.find_groups
        for sort in (None, next(self.sorts)):
            whole = await service.find(SYSTEM, Query(filter, sort))
            for offset in (0, 3):
                page = await find(Query(filter, sort, offset=offset, limit=2))
                assert page == Page(whole.records[offset : offset + 2], whole.total)
            first = await find(Query(filter, sort, limit=1, total=False))
            assert first == Page(whole.records[:1], None)
            for record in first.records:
                shown = judged(record.document, record.version)
                place = Place(sort_key(sort.field, shown) if sort else record.id, record.id)
                following = await find(Query(filter, sort, limit=9, after=place, total=False))
                assert following.records == whole.records[1:]


@pytest.fixture
async def scene(directory: Directory) -> Scene:
    made = Scene(directory)
    await made.set()
    return made


# Ids are given in the order of making: five people, then five groups.
IDS = st.sampled_from([f"id-{n:04d}" for n in range(1, 12)])
NAMES = st.sampled_from(["inner", "OUTER", "lone", "u1", "U2", "user0", "none"])
LEAVES = st.one_of(
    st.builds(Compare, st.just(VALUE), st.sampled_from([Op.EQ, Op.NE]), IDS),
    st.builds(Compare, st.just(DISPLAY), st.sampled_from([Op.EQ, Op.NE, Op.CO, Op.SW]), NAMES),
    st.builds(Compare, st.just(TYPE), st.sampled_from([Op.EQ, Op.NE]), st.sampled_from(["direct", "User", "Group"])),
    st.builds(In, st.just(VALUE), st.lists(IDS, max_size=3).map(tuple)),
    st.builds(Present, st.sampled_from([VALUE, DISPLAY, TYPE])),
)
ELEMENTS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.builds(lambda terms: And(tuple(terms)), st.lists(inner, min_size=1, max_size=2)),
        st.builds(lambda terms: Or(tuple(terms)), st.lists(inner, min_size=1, max_size=2)),
        st.builds(Not, inner),
    ),
    max_leaves=4,
)


def over(head: str, leaf: Any) -> Filter:
    if isinstance(leaf, Compare):
        return Compare(at(head, leaf.field), leaf.op, leaf.value)
    return In(at(head, leaf.field), leaf.values) if isinstance(leaf, In) else Present(at(head, leaf.field))


def filters(head: str) -> st.SearchStrategy[Filter]:
    plain = st.one_of(
        LEAVES.map(lambda leaf: over(head, leaf)),
        ELEMENTS.map(lambda element: ValuePath(Field((head,), Kind.COMPLEX), element)),
        st.just(Compare(Field((head,)), Op.EQ, None)),
        st.just(Compare(Field(("displayName",), case_exact=False), Op.SW, "u")),
    )
    return st.one_of(plain, st.builds(Not, plain), st.builds(lambda a, b: And((a, b)), plain, plain))


@pytest.mark.parametrize("head", ["groups", "members"])
async def test_every_condition_agrees_with_the_filled_in_document(scene: Scene, head: str) -> None:
    samples: list[Filter] = []

    @given(filters(head))
    def collect(filter: Filter) -> None:
        samples.append(filter)

    collect()
    for number, sample in enumerate(samples):
        await scene.agrees(head, sample, sliced=number % 4 == 0)


async def test_a_filter_without_derived_attributes_is_passed_on_as_it_is(directory: Directory) -> None:
    plain = And((Present(DISPLAY), Not(Compare(VALUE, Op.EQ, "x"))))
    counting = FaultyStore(directory.store)
    await DerivedFilters(counting, Edges(counting)).find_users(Query(plain))
    assert counting.calls == 1


@dataclass
class NotingStore(FaultyStore):
    """Notes how many users it was asked for at most at once, and how many memberships it returned."""

    most: int = 0
    memberships: int = 0

    async def find(self, collection: str, query: Query) -> Page:
        """As the contract says."""
        self.most = max(self.most, query.limit if collection == "users" else 0)
        page = await super().find(collection, query)
        self.memberships += len(page.records) if collection == "edges" else 0
        return page


async def test_a_page_far_from_the_start_is_sorted_a_few_people_at_a_time(scene: Scene) -> None:
    noting = NotingStore(scene.directory.store)
    filters = DerivedFilters(noting, Edges(noting), most=2)
    nobody = Not(Compare(at("groups", VALUE), Op.EQ, scene.groups["empty"].id))
    page = await filters.find_users(Query(nobody, Sort(Field(("userName",), case_exact=False)), offset=4, limit=1))
    assert [record.document["userName"] for record in page.records] == ["user4"]
    assert noting.most == 2


async def test_a_page_of_a_group_reads_no_more_memberships_than_it_shows(directory: Directory) -> None:
    people = [await directory.user(f"u{n}") for n in range(12)]
    ids = sorted(person.id for person in people)
    group = await directory.group("all", *people)
    noting = NotingStore(directory.store)
    filters = DerivedFilters(noting, Edges(noting))
    own = Compare(at("groups", VALUE), Op.EQ, group.id)
    for query, expected, total in (
        (Query(own, limit=3), ids[:3], 12),
        (Query(own, limit=3, offset=10), ids[10:], 12),
        (Query(own, limit=3, after=ids[4], total=False), ids[5:8], None),
        (Query(own, limit=0), [], 12),
    ):
        noting.memberships = 0
        page = await filters.find_users(query)
        assert ([record.id for record in page.records], page.total) == (expected, total)
        assert noting.memberships == len(expected)


@pytest.mark.parametrize("stores", ["sqlite", "pymongo"], indirect=True)
async def test_slices_agree_on_either_store(scene: Scene) -> None:
    inner, middle, outer = (scene.groups[name].id for name in ("inner", "middle", "outer"))
    indirect = ValuePath(
        Field(("groups",), Kind.COMPLEX), And((Compare(VALUE, Op.EQ, outer), Compare(TYPE, Op.EQ, "indirect")))
    )
    name = Compare(Field(("userName",), case_exact=False), Op.SW, "user")
    for filter_ in (
        Compare(at("groups", VALUE), Op.EQ, outer),
        Not(Compare(at("groups", VALUE), Op.EQ, middle)),
        Or((indirect, Compare(at("groups", DISPLAY), Op.EQ, "lone"))),
        And((name, Not(indirect), In(at("groups", VALUE), (inner, middle)))),
    ):
        await scene.agrees("groups", filter_)
    await scene.agrees("members", Compare(at("members", TYPE), Op.EQ, "User"))
    await scene.agrees("members", Compare(replace(at("members", TYPE), case_exact=False), Op.EQ, "gROUP"))
    await scene.agrees("members", Compare(replace(at("members", TYPE), case_exact=False), Op.GT, "h"))


async def test_a_group_of_more_people_than_a_store_is_asked_about_at_once_has_pages_like_any(
    directory: Directory,
) -> None:
    many, now = 10_500, "2026-03-11T09:26:53.589Z"
    meta = {"resourceType": "User", "created": now, "lastModified": now}
    people = [{"id": f"p{n:05}", "userName": f"u{n % 97:02}-{n}", "active": True, "meta": meta} for n in range(many)]
    group = await directory.group("all")
    outer = await directory.group("outer", group)
    for start in range(0, many, 2_000):
        some = people[start : start + 2_000]
        writes = [Insert("users", person) for person in some]
        writes += [insert_edge(group.id, str(person["id"]), "User", now) for person in some]
        await directory.store.commit(writes)
    for element in (
        Compare(at("groups", VALUE), Op.EQ, group.id),
        ValuePath(
            Field(("groups",), Kind.COMPLEX), And((Compare(VALUE, Op.EQ, outer.id), Compare(TYPE, Op.EQ, "indirect")))
        ),
    ):
        page = await directory.users.find(SYSTEM, Query(element, offset=10_000, limit=2))
        assert ([record.id for record in page.records], page.total) == (["p10000", "p10001"], many)
        counted = await directory.users.find(SYSTEM, Query(Not(element), limit=0))
        assert (counted.records, counted.total) == ([], 0)
    by_name = Query(element, Sort(Field(("userName",), case_exact=False)), limit=1)
    assert [record.id for record in (await directory.users.find(SYSTEM, by_name)).records] == ["p00000"]
    last = await directory.users.find(SYSTEM, Query(element, after="p10498", limit=5, total=False))
    assert [record.id for record in last.records] == ["p10499"]
    manager = Field((ENTERPRISE_USER, "manager", "displayName"), case_exact=False)
    for find, named in ((directory.users.find, manager), (directory.groups.find, at("members", DISPLAY))):
        with pytest.raises(TooLarge, match="people who are called so"):
            await find(SYSTEM, Query(Compare(named, Op.SW, "u")))


NAMED = Compare(Field(("userName",), case_exact=False), Op.SW, "u")


class WeighingStore(FaultyStore):
    """Notes the most ids that people were asked for in one query."""

    most: int = 0

    async def find(self, collection: str, query: Query) -> Page:
        """As the contract says."""
        if collection == "users":
            self.most = max(self.most, str(query.filter).count("id-"))
        return await super().find(collection, query)


async def test_the_lists_of_all_conditions_are_as_long_as_one_may_be(directory: Directory) -> None:
    people = [await directory.user(f"u{number}") for number in range(6)]
    groups = [await directory.group(f"g{number}", *people) for number in range(3)]
    conditions = [Compare(at("groups", VALUE), Op.EQ, group.id) for group in groups]
    store = WeighingStore(directory.store)
    filters = DerivedFilters(store, Edges(store), most=6)
    found = await filters.find_users(Query(And((*conditions, NAMED))))
    assert [record.id for record in found.records] == [person.id for person in people]
    # Two of each list, and the bounds of the slice.
    assert store.most == 3 * 2 + 2
    either = Or((*conditions, Compare(at("groups", VALUE), Op.EQ, "nobody")))
    assert (await filters.find_users(Query(either))).total == len(people)


async def test_what_a_query_holds_of_many_groups_is_limited(directory: Directory) -> None:
    people = [await directory.user(f"u{number}") for number in range(4)]
    for number in range(70):
        await directory.group(f"g{number}", people[number % 4])
    anybody = Compare(at("groups", DISPLAY), Op.SW, "g")
    for most_held, conditions in ((4, (anybody,)), (8, (anybody, replace(anybody, op=Op.CO)))):
        filters = DerivedFilters(directory.store, Edges(directory.store), most_held=most_held)
        assert (await filters.find_users(Query(And(conditions)))).total == 4
        filters = DerivedFilters(directory.store, Edges(directory.store), most_held=most_held - 1)
        with pytest.raises(TooLarge, match="in all the groups"):
            await filters.find_users(Query(And(conditions)))
