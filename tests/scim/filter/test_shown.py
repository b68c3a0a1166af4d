"""Conditions on what is worked out for an answer say of what is stored what they say of the answer."""

from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from idp.query import VERSION, And, Compare, Field, Filter, Kind, Not, Op, Or, Present, ValuePath, matches
from idp.schema import GROUP, USER, Attribute, ResourceType, Schema, Type
from idp.schema.common import COMMON
from idp.schema.urns import ENTERPRISE_USER
from scim.etag import tag
from scim.filter.shown import ENTITY_TAG, LOCATION, ShownFilters

BASE = "a/b"
# Everything that is ever worked out, in one type.
BOTH = replace(USER, schema=replace(USER.schema, attributes=(*USER.schema.attributes, *GROUP.schema.attributes)))
FILTERS = ShownFilters(BASE, BOTH)
PLACES = st.sampled_from(["Users", "Groups"])
URIS = st.builds(lambda place, end: f"{BASE}/{place}/{end}", PLACES, st.text("ab", max_size=3))
TEXTS = st.text("ab/Users", max_size=9) | URIS
IDS = st.text("ab", min_size=1, max_size=3)
LOCATIONS = Field(LOCATION)
TAGS = Field(ENTITY_TAG)
GROUPS, MEMBERS = Field(("groups",), Kind.COMPLEX), Field(("members",), Kind.COMPLEX)
EXTENSION, MANAGER = Field((ENTERPRISE_USER,), Kind.COMPLEX), Field((ENTERPRISE_USER, "manager"), Kind.COMPLEX)
REF = "$ref"


def leaves(field: Field, texts: st.SearchStrategy[str] = TEXTS, ops: Any = Op) -> st.SearchStrategy[Filter]:
    compared = st.builds(Compare, st.just(field), st.sampled_from(ops), texts)
    nulls = st.builds(Compare, st.just(field), st.sampled_from([Op.EQ, Op.NE]), st.none())
    return st.one_of(st.just(Present(field)), compared, nulls)


def within(field: Field, inner: Field) -> st.SearchStrategy[Filter]:
    beside = leaves(Field((*inner.path[:-1], "value")), IDS)
    both = st.builds(lambda one, other: And((one, other)), leaves(inner), beside)
    return st.builds(ValuePath, st.just(field), st.one_of(leaves(inner), leaves(inner).map(Not), both))


def referring(field: Field) -> st.SearchStrategy[Filter]:
    return leaves(Field((*field.path, REF))) | within(field, Field((REF,)))


ENTITY_TAGS = st.sampled_from([*map(tag, (1, 2, 12)), '"2"', 'W/"x"', "2", "*", ""])
EQUALITY = [Op.EQ, Op.NE]
ONES = st.one_of(
    leaves(LOCATIONS),
    within(Field(("meta",), Kind.COMPLEX), Field(("location",))),
    referring(GROUPS),
    referring(MEMBERS),
    referring(MANAGER),
    within(EXTENSION, Field(("manager", REF))),
)
ANY: st.SearchStrategy[Filter] = st.recursive(
    ONES, lambda inner: inner.map(Not) | st.builds(lambda *terms: Or(terms), inner, inner), max_leaves=3
)
ELEMENTS = st.lists(st.fixed_dictionaries({"value": IDS, "type": st.sampled_from(["User", "Group"])}), max_size=3)


def shown(stored: dict[str, Any]) -> dict[str, Any]:
    """The document as an answer has it, as far as these conditions go."""

    def refer(element: dict[str, Any], place: str) -> dict[str, Any]:
        return {**element, REF: f"{BASE}/{place}/{element['value']}"}

    extension = {key: refer(value, "Users") for key, value in stored.get(ENTERPRISE_USER, {}).items()}
    return {
        "id": stored["id"],
        "meta": {"location": f"{BASE}/Users/{stored['id']}", "value": "a"},
        "groups": [refer(element, "Groups") for element in stored["groups"]],
        "members": [refer(element, f"{element['type']}s") for element in stored["members"]],
        **({ENTERPRISE_USER: extension} if extension else {}),
    }


@given(filter=ANY, id=IDS, groups=ELEMENTS, members=ELEMENTS, manager=st.none() | IDS)
def test_they_agree_with_what_they_stand_for(
    filter: Filter, id: str, groups: list[Any], members: list[Any], manager: str | None
) -> None:
    stored: dict[str, Any] = {"id": id, "meta": {"value": "a"}, "groups": groups, "members": members}
    stored |= {ENTERPRISE_USER: {"manager": {"value": manager}}} if manager else {}
    rewritten = FILTERS.stored("meta.location and $ref", filter)
    assert matches(rewritten, stored | {"value": "a"}) == matches(filter, shown(stored))


@given(filter=leaves(TAGS, ENTITY_TAGS, EQUALITY), version=st.sampled_from([1, 2, 3]))
def test_an_entity_tag_is_that_of_a_version_whatever_was_worked_out(filter: Filter, version: int) -> None:
    rewritten = FILTERS.stored("meta.version", filter)
    is_strong = isinstance(filter, Compare) and filter.value == '"2"'
    shown_as = tag(version).removeprefix("W/") if is_strong else tag(version)
    assert matches(rewritten, {VERSION.name: version}) == matches(filter, {"meta": {"version": shown_as}})
    marked = Compare(TAGS, Op.EQ, tag(version, "0a1b"))
    assert matches(FILTERS.stored("meta.version", marked), {VERSION.name: version})


def test_a_reference_that_a_declared_type_stores_is_compared_as_it_is() -> None:
    uri = Attribute("$ref", type=Type.REFERENCE)
    members = Attribute("members", type=Type.COMPLEX, multi_valued=True, sub_attributes=(uri,))
    team = ResourceType("Team", "teams", "/Teams", "", Schema("urn:x:Team", "Team", "", (members,)), COMMON)
    stored = Compare(Field(("members", REF)), Op.EQ, f"{BASE}/Users/b")
    assert ShownFilters(BASE, team).stored("members.$ref", stored) is stored


def test_what_an_index_finds_is_asked_of_it_alone() -> None:
    where = Compare(LOCATIONS, Op.EQ, f"{BASE}/Users/b")
    assert FILTERS.stored("meta.location", where) == Compare(Field(("id",)), Op.EQ, "b")
    led = Compare(Field((*MANAGER.path, REF)), Op.EQ, f"{BASE}/Users/b")
    assert FILTERS.stored("manager.$ref", led) == ValuePath(MANAGER, Compare(Field(("value",)), Op.EQ, "b"))
    assert FILTERS.stored("groups.$ref", Compare(Field(("groups", REF)), Op.EQ, f"{BASE}/Users/b")) == Or(())
