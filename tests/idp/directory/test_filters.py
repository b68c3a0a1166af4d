"""Conditions on derived attributes mean what they would mean if the values were in the document."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.directory import Resource
from idp.directory.edges import Edges
from idp.directory.filters import DerivedFilters
from idp.errors import InvalidFilter
from idp.query import And, Compare, Field, Filter, In, Not, Op, Or, Present, Query, ValuePath, matches
from tests.support.directory import SYSTEM, Directory

VALUE, DISPLAY, TYPE, REF = (
    Field(("value",)),
    Field(("display",), case_exact=False),
    Field(("type",), case_exact=False),
    Field(("$ref",)),
)


def at(head: str, inner: Field) -> Field:
    return Field((head, *inner.path), inner.kind, inner.case_exact)


class Scene:
    """Five people and five groups: nested, in a circle, empty."""

    def __init__(self, directory: Directory) -> None:
        self.directory = directory
        self.people: list[Resource] = []
        self.groups: dict[str, Resource] = {}

    async def set(self) -> None:
        directory = self.directory
        self.people = [await directory.user(f"user{n}", **({"displayName": f"U{n}"} if n else {})) for n in range(5)]
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

    async def agrees(self, head: str, filter: Filter) -> None:
        """Show that finding gives what `matches` says of the filled-in documents."""
        expected = {document["id"] for document in await self.documents(head) if matches(filter, document)}
        service = self.directory.users if head == "groups" else self.directory.groups
        page = await service.find(SYSTEM, Query(filter))
        assert {record.id for record in page.records} == expected
        assert page.total == len(expected)


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
        ELEMENTS.map(lambda element: ValuePath(Field((head,)), element)),
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
    for sample in samples:
        await scene.agrees(head, sample)


async def test_a_reference_compares_by_its_last_segment(scene: Scene) -> None:
    lone = scene.groups["lone"]
    query = Query(Compare(at("groups", REF), Op.EQ, f"https://idp.example.com/scim/v2/Groups/{lone.id}"))
    page = await scene.directory.users.find(SYSTEM, query)
    assert [record.id for record in page.records] == [scene.people[3].id]
    with pytest.raises(InvalidFilter):
        await scene.directory.users.find(SYSTEM, Query(Compare(at("groups", REF), Op.CO, "Groups")))


async def test_a_filter_without_derived_attributes_is_passed_on_as_it_is(directory: Directory) -> None:
    plain = And((Present(DISPLAY), Not(Compare(VALUE, Op.EQ, "x"))))
    assert await DerivedFilters(directory.store, Edges(directory.store)).for_users(plain) == plain
