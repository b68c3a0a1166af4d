"""Documents are checked against their declarations, and refused with the path of what does not fit."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.errors import InvalidSyntax, InvalidValue
from idp.schema import (
    GROUP,
    USER,
    Attribute,
    Extension,
    Mutability,
    ResourceType,
    Schema,
    Type,
    validate,
    validate_value,
)
from idp.schema.common import COMMON
from idp.schema.urns import ENTERPRISE_USER, GATEHOUSE_USER
from idp.schema.urns import USER as USER_URN

EVERY_TYPE = ResourceType(
    "Thing",
    "things",
    "/Things",
    "One attribute of every type",
    Schema(
        "urn:example:Thing",
        "Thing",
        "One attribute of every type",
        (
            Attribute("text"),
            Attribute("flag", type=Type.BOOLEAN),
            Attribute("count", type=Type.INTEGER),
            Attribute("weight", type=Type.DECIMAL),
            Attribute("at", type=Type.DATETIME),
            Attribute("blob", type=Type.BINARY),
            Attribute("link", type=Type.REFERENCE),
            Attribute("tags", multi_valued=True, max_values=3),
            Attribute("secret", required=True, mutability=Mutability.WRITE_ONLY),
        ),
    ),
    COMMON,
    (Extension(Schema("urn:example:Needed", "Needed", "", (Attribute("colour", required=True),)), required=True),),
)
WHOLE = {"secret": "x", "urn:example:Needed": {"colour": "red"}}


def checked(document: dict[str, Any]) -> dict[str, Any]:
    return validate(USER, {"userName": "ada", **document}, creating=True)


def thing(**values: Any) -> dict[str, Any]:
    return validate(EVERY_TYPE, {**WHOLE, **values}, creating=True)


def test_names_are_taken_in_any_case_and_given_back_as_declared() -> None:
    found = validate(
        USER,
        {"USERNAME": "ada", "Name": {"FAMILYNAME": "L"}, ENTERPRISE_USER.upper(): {"DEPARTMENT": "x"}},
        creating=True,
    )
    assert found == {
        "schemas": [USER_URN, ENTERPRISE_USER],
        "userName": "ada",
        "name": {"familyName": "L"},
        ENTERPRISE_USER: {"department": "x"},
    }


def test_unknown_unset_and_read_only_attributes_are_left_out() -> None:
    found = checked(
        {
            "unknown": 1,
            "title": None,
            "emails": [],
            "phoneNumbers": [{}, None, {"value": None}],
            "name": {"unknown": 1},
            "id": "forged",
            "meta": {"created": 7},
            "groups": [{"value": "root"}],
            GATEHOUSE_USER: {"role": "root"},
            ENTERPRISE_USER: {"manager": {"displayName": "derived", "$ref": "derived"}},
        }
    )
    assert found == {"schemas": [USER_URN], "userName": "ada"}


def test_suggested_values_are_not_enforced() -> None:
    assert checked({"emails": [{"value": "a@example.com", "type": "pager"}]})["emails"][0]["type"] == "pager"


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"userName": None}, "userName: a value is required"),
        ({"userName": ""}, "userName: a value is required"),
        ({"userName": 7}, "userName: expected a string, not a number"),
        ({"USERNAME": "eve"}, "userName: given more than once"),
        ({"active": "True"}, "active: expected true or false, not a string"),
        ({"active": 1}, "active: expected true or false, not a number"),
        ({"name": "Ada"}, "name: expected an object"),
        ({"name": [{"familyName": "L"}]}, "name: expected an object"),
        ({"name": {"familyName": ["L"]}}, "name.familyName: expected a string, not a list"),
        ({"emails": {"value": "x"}}, "emails: expected a list"),
        ({"emails": ["x"]}, "emails[0]: expected an object"),
        ({"emails": [{}, {"primary": "yes"}]}, "emails[1].primary: expected true or false, not a string"),
        (
            {"emails": [{"value": "a", "primary": True}, {"value": "b"}, {"value": "c", "primary": True}]},
            "emails[2].primary: another value is primary already",
        ),
        ({"x509Certificates": [{"value": "no base64!"}]}, "x509Certificates[0].value: expected base64"),
        ({"title": "a\x00b"}, "title: holds a NUL character"),
        ({"title": "\ud83d"}, "title: holds half of a surrogate pair"),
        ({"title": "x" * 4097}, "title: longer than 4096 characters"),
        ({"emails": [{"value": "x"}] * 1001}, "emails: more than 1000 values"),
        (
            {ENTERPRISE_USER: {"manager": {"value": 1}}},
            f"{ENTERPRISE_USER}:manager.value: expected a string, not a number",
        ),
        ({ENTERPRISE_USER: "x"}, f"{ENTERPRISE_USER}: expected an object"),
        ({"schemas": "x"}, "schemas: expected a list of URNs"),
        ({"schemas": [USER_URN, "urn:other"]}, "schemas[1]: User has no schema 'urn:other'"),
        ({"schemas": [1]}, "schemas[0]: expected a URN"),
    ],
)
def test_what_does_not_fit_is_named_by_its_path(document: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        checked(document)
    assert str(caught.value) == message


@pytest.mark.parametrize("document", [[], "x", None, 7])
def test_a_document_is_an_object(document: Any) -> None:
    with pytest.raises(InvalidSyntax):
        validate(USER, document, creating=True)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("count", 0),
        ("count", -(2**63 - 1)),
        ("weight", 1.5),
        ("weight", 3),
        ("at", "2030-01-31T13:45:00Z"),
        ("at", "2030-01-31T13:45:00.123456789+14:00"),
        ("at", "2030-01-31T13:45:00"),
        ("blob", "aGVsbG8="),
        ("blob", "aGVsbG8"),
        ("blob", "-_-_"),
        ("link", "../Users/1"),
        ("link", "data:image/png;base64," + "A" * 200_000),
        ("tags", ["a", "b", "c"]),
        ("text", "grüße 👋"),
    ],
)
def test_values_of_every_type_are_kept_as_they_were_given(name: str, value: Any) -> None:
    assert thing(**{name: value})[name] == value


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("count", 1.5),
        ("count", True),
        ("count", "1"),
        ("count", 2**63),
        ("weight", math.nan),
        ("weight", math.inf),
        ("weight", "1.5"),
        ("at", "2030-01-31"),
        ("at", "2030-02-30T00:00:00Z"),
        ("at", "0001-01-01T00:00:00+14:00"),
        ("at", "٢٠٣٠-01-31T13:45:00Z"),
        ("at", 1_900_000_000),
        ("blob", "a"),
        ("blob", "a+b_"),
        ("blob", "A" * 262_145),
        ("link", "http://example.com/" + "x" * 5_000),
        ("tags", ["a", "b", "c", "d"]),
        ("tags", "a"),
        ("tags", [1]),
    ],
)
def test_values_of_another_type_are_refused(name: str, value: Any) -> None:
    with pytest.raises(InvalidValue) as caught:
        thing(**{name: value})
    assert caught.value.path.startswith(name)


def test_a_whole_number_may_come_as_a_decimal() -> None:
    assert thing(count=2.0)["count"] == 2


def test_a_required_value_that_is_never_stored_is_asked_for_only_when_creating() -> None:
    document = {"urn:example:Needed": {"colour": "red"}}
    assert "secret" not in validate(EVERY_TYPE, document, creating=False)
    with pytest.raises(InvalidValue, match="secret: a value is required"):
        validate(EVERY_TYPE, document, creating=True)


def test_a_required_extension_is_asked_for() -> None:
    with pytest.raises(InvalidValue, match="urn:example:Needed: the extension is required"):
        validate(EVERY_TYPE, {"secret": "x"}, creating=True)
    with pytest.raises(InvalidValue, match="urn:example:Needed:colour: a value is required"):
        validate(EVERY_TYPE, {"secret": "x", "urn:example:Needed": {"colour": ""}}, creating=True)


def test_a_single_attribute_can_be_checked_alone() -> None:
    emails = USER.resolve("emails").attribute
    assert validate_value(emails, [{"VALUE": "x", "n": 1}], "emails") == [{"value": "x"}]
    assert validate_value(emails, [], "emails") is None
    with pytest.raises(InvalidValue, match=r"emails\[1\]\.value: expected a string, not a number"):
        validate_value(emails, [{}, {"value": 1}], "emails")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["value", "primary", "$ref", "x", "familyName", "manager"]), inner, max_size=3
        )
    ),
    max_leaves=8,
)
NAMES = [attribute.name for attribute in USER.schema.attributes] + [ENTERPRISE_USER, GATEHOUSE_USER, "schemas", "meta"]


@given(st.dictionaries(st.sampled_from(NAMES), JSON, max_size=6))
def test_whatever_comes_is_canonical_or_refused_with_a_path(document: dict[str, Any]) -> None:
    try:
        found = validate(USER, document, creating=True)
    except InvalidValue as error:
        path = error.path
    else:
        path = ""
        assert validate(USER, found, creating=True) == found
    assert path == "" or any(path == name or path.startswith((f"{name}.", f"{name}[", f"{name}:")) for name in NAMES)


def test_members_pass_and_derived_parts_of_them_do_not() -> None:
    found = validate(
        GROUP,
        {"displayName": "x", "members": [{"value": "1", "display": "n", "$ref": "r", "type": "User"}]},
        creating=True,
    )
    assert found["members"] == [{"value": "1", "type": "User"}]
    with pytest.raises(InvalidValue, match=r"members\[0\]\.value: a value is required"):
        validate(GROUP, {"displayName": "x", "members": [{"type": "User"}]}, creating=True)


@pytest.mark.parametrize(
    ("before", "wanted"),
    [
        ({"active": True}, {"active": 1}),
        ({"emails": [{"value": "a", "primary": True}]}, {"emails": [{"value": "a", "primary": 1}]}),
    ],
)
def test_what_only_looks_like_the_stored_value_is_checked(before: dict[str, Any], wanted: dict[str, Any]) -> None:
    with pytest.raises(InvalidValue):
        validate(USER, {"userName": "ada", **wanted}, creating=False, before={"userName": "ada", **before})


def test_what_is_stored_already_is_taken_as_it_is() -> None:
    stored = validate(USER, {"userName": "ada", "active": True, "emails": [{"value": "a"}]}, creating=True)
    assert validate(USER, stored, creating=False, before=stored) == stored
    again = {key.upper(): value for key, value in stored.items()} | stored
    with pytest.raises(InvalidValue, match="more than once"):
        validate(USER, again, creating=False, before=stored)
