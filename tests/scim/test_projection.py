"""An answer carries what was asked for, what is always returned, and never what must not be."""

from dataclasses import replace
from typing import Any

import pytest

from idp.errors import InvalidValue
from idp.schema import GROUP, USER, Attribute, ResourceType, Returned, Type
from idp.schema.urns import ENTERPRISE_USER
from scim.projection import Projections

USER_DOCUMENT: dict[str, Any] = {
    "schemas": [USER.schema.id, ENTERPRISE_USER],
    "id": "1",
    "userName": "bjensen",
    "name": {"givenName": "B", "familyName": "J"},
    "emails": [{"value": "w@example.com", "type": "work"}, {"value": "h@example.com"}],
    ENTERPRISE_USER: {"department": "d", "manager": {"value": "9", "$ref": "x"}},
    "meta": {"resourceType": "User", "created": "2026-03-11T09:26:53.589Z"},
}
ALWAYS = {"schemas": USER_DOCUMENT["schemas"], "id": "1"}
users = Projections(USER)


def test_without_a_request_the_very_document_is_the_answer() -> None:
    assert users.of().apply(USER_DOCUMENT) is USER_DOCUMENT


@pytest.mark.parametrize(
    ("attributes", "wanted"),
    [
        (("userName",), {"userName": "bjensen"}),
        (("USERNAME",), {"userName": "bjensen"}),
        (("id",), {}),
        (("name.givenName",), {"name": {"givenName": "B"}}),
        (("name.givenName", "name.familyName"), {"name": {"givenName": "B", "familyName": "J"}}),
        (("name.givenName", "name"), {"name": {"givenName": "B", "familyName": "J"}}),
        (("name", "name.givenName"), {"name": {"givenName": "B", "familyName": "J"}}),
        (("emails.value",), {"emails": [{"value": "w@example.com"}, {"value": "h@example.com"}]}),
        (("emails.type",), {"emails": [{"type": "work"}]}),
        (("emails.display",), {}),
        (("nickName",), {}),
        (("madeUp", "made.up", "urn:made:up"), {}),
        ((ENTERPRISE_USER,), {ENTERPRISE_USER: USER_DOCUMENT[ENTERPRISE_USER]}),
        ((f"{ENTERPRISE_USER}:department",), {ENTERPRISE_USER: {"department": "d"}}),
        ((f"{ENTERPRISE_USER}:manager.value",), {ENTERPRISE_USER: {"manager": {"value": "9"}}}),
        ((f"{USER.schema.id}:userName",), {"userName": "bjensen"}),
        (("meta.created",), {"meta": {"created": "2026-03-11T09:26:53.589Z"}}),
        (("password",), {}),
    ],
)
def test_attributes_asked_for_come_with_those_always_returned(
    attributes: tuple[str, ...], wanted: dict[str, Any]
) -> None:
    assert users.of(attributes).apply(USER_DOCUMENT) == ALWAYS | wanted


@pytest.mark.parametrize(
    ("excluded", "gone"),
    [
        (("userName",), {"userName"}),
        (("EMAILS", "name"), {"emails", "name"}),
        (("id", "schemas"), set()),
        (("emails.value", "emails.type"), {"emails"}),
        ((ENTERPRISE_USER,), {ENTERPRISE_USER}),
        ((f"{ENTERPRISE_USER}:department", f"{ENTERPRISE_USER}:manager"), {ENTERPRISE_USER}),
        (("madeUp",), set()),
    ],
)
def test_excluded_attributes_are_gone_but_for_those_always_returned(excluded: tuple[str, ...], gone: set[str]) -> None:
    shown = users.of((), excluded).apply(USER_DOCUMENT)
    assert shown == {key: value for key, value in USER_DOCUMENT.items() if key not in gone}


def test_parts_of_an_attribute_can_be_excluded() -> None:
    shown = users.of((), ("name.givenName", "emails.type", f"{ENTERPRISE_USER}:manager.$ref")).apply(USER_DOCUMENT)
    assert shown["name"] == {"familyName": "J"}
    assert shown["emails"] == [{"value": "w@example.com"}, {"value": "h@example.com"}]
    assert shown[ENTERPRISE_USER] == {"department": "d", "manager": {"value": "9"}}


def test_what_is_never_returned_stays_inside_even_where_it_was_stored_by_mistake() -> None:
    leaking = USER_DOCUMENT | {"password": "x"}
    assert "password" not in users.of().apply(leaking)
    assert "password" not in users.of(("password",)).apply(leaking)
    assert "password" not in users.of((), ("title",)).apply(leaking)


def test_both_parameters_at_once_are_refused() -> None:
    with pytest.raises(InvalidValue, match="attributes"):
        users.of(("userName",), ("title",))


@pytest.mark.parametrize(
    ("attributes", "excluded", "wanted"),
    [
        ((), (), True),
        (("userName",), (), False),
        (("groups",), (), True),
        (("groups.value",), (), True),
        ((), ("groups",), False),
        ((), ("groups.display",), True),
        ((), ("userName",), True),
    ],
)
def test_it_can_be_told_beforehand_whether_an_attribute_will_be_seen(
    attributes: tuple[str, ...], excluded: tuple[str, ...], wanted: bool
) -> None:
    assert users.of(attributes, excluded).wants("groups") is wanted


@pytest.mark.parametrize(
    ("attributes", "excluded", "wanted"),
    [
        ((), (), False),
        (("members",), (), True),
        (("members.display",), (), True),
        (("members.value",), (), False),
        (("displayName",), (), False),
        ((), ("displayName",), False),
    ],
)
def test_names_of_members_are_seen_only_where_they_are_asked_for(
    attributes: tuple[str, ...], excluded: tuple[str, ...], wanted: bool
) -> None:
    projection = Projections(GROUP).of(attributes, excluded)
    assert projection.wants("members", "display") is wanted
    document = {"id": "1", "members": [{"value": "a", "display": "Anna"}]}
    assert ("display" in str(projection.apply(document))) is wanted


def _special() -> ResourceType:
    secret = Attribute("secret", returned=Returned.NEVER)
    shy = Attribute("shy", returned=Returned.REQUEST)
    parts = (Attribute("key", returned=Returned.ALWAYS), Attribute("label"), Attribute("pin", returned=Returned.NEVER))
    things = Attribute("things", type=Type.COMPLEX, multi_valued=True, sub_attributes=parts)
    return replace(USER, schema=replace(USER.schema, attributes=(secret, shy, things)), extensions=())


def test_characteristics_hold_at_every_level() -> None:
    special = Projections(_special())
    thing = {"key": "k", "label": "l", "pin": "p"}
    document = {"id": "1", "secret": "s", "shy": "y", "things": [thing]}
    shown = {"key": "k", "label": "l"}
    assert special.of().apply(document) == {"id": "1", "things": [shown]}
    assert special.of(("shy",)).apply(document) == {"id": "1", "shy": "y"}
    assert special.of(("things.label",)).apply(document) == {"id": "1", "things": [shown]}
    assert special.of(("things",)).apply(document) == {"id": "1", "things": [shown]}
    assert special.of(("secret", "things.pin")).apply(document) == {"id": "1", "things": [{"key": "k"}]}
    assert special.of((), ("things",)).apply(document) == {"id": "1", "things": [{"key": "k"}]}
