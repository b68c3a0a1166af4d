"""What real clients send is brought into shape where its meaning is plain."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.schema import GROUP, USER, coerce, coerce_value, validate
from idp.schema.urns import ENTERPRISE_USER
from idp.schema.urns import USER as USER_URN


@pytest.mark.parametrize(
    ("sent", "meant"),
    [
        ({"active": "True"}, {"active": True}),
        ({"active": " false "}, {"active": False}),
        ({"active": "maybe"}, {"active": "maybe"}),
        ({"emails": {"value": "a@example.com"}}, {"emails": [{"value": "a@example.com"}]}),
        ({"emails": "a@example.com"}, {"emails": [{"value": "a@example.com"}]}),
        ({"emails": ["a@example.com"]}, {"emails": [{"value": "a@example.com"}]}),
        ({"emails": [{"value": "a", "primary": "true"}]}, {"emails": [{"value": "a", "primary": True}]}),
        ({"emails": ""}, {"emails": []}),
        ({"name.givenName": "Ada"}, {"name": {"givenName": "Ada"}}),
        ({"name": {"familyName": "L"}, "name.givenName": "Ada"}, {"name": {"familyName": "L", "givenName": "Ada"}}),
        ({"NAME": {"givenName": "Ada"}, "name.GIVENNAME": "Eve"}, {"name": {"givenName": "Ada"}}),
        ({"active": "true", "ACTIVE": "false"}, {"active": True, "ACTIVE": False}),
        ({f"{ENTERPRISE_USER}:department": "x"}, {ENTERPRISE_USER: {"department": "x"}}),
        ({f"{ENTERPRISE_USER}:manager": "42"}, {ENTERPRISE_USER: {"manager": {"value": "42"}}}),
        ({ENTERPRISE_USER: {"manager": "42"}}, {ENTERPRISE_USER: {"manager": {"value": "42"}}}),
        ({ENTERPRISE_USER: {"manager": [{"value": "42"}]}}, {ENTERPRISE_USER: {"manager": {"value": "42"}}}),
        ({ENTERPRISE_USER: {"manager": ""}}, {ENTERPRISE_USER: {"manager": None}}),
        (
            {ENTERPRISE_USER: {"manager": {"$ref": "../Users/42"}}},
            {ENTERPRISE_USER: {"manager": {"$ref": "../Users/42", "value": "42"}}},
        ),
        ({ENTERPRISE_USER: {"employeeNumber": 42}}, {ENTERPRISE_USER: {"employeeNumber": "42"}}),
        ({f"{USER_URN}:userName": "ada"}, {"userName": "ada"}),
        ({"schemas": [USER_URN, "urn:other"]}, {"schemas": [USER_URN]}),
        ({"unknown.thing": 1, "urn:other:x": 1, "unknown": 1}, {}),
    ],
)
def test_the_meaning_is_kept(sent: dict[str, Any], meant: dict[str, Any]) -> None:
    assert coerce(USER, sent) == meant


def test_members_may_be_named_by_reference_alone() -> None:
    sent = [{"$ref": "https://idp.example.com/scim/v2/Users/1/"}]
    assert coerce_value(GROUP.resolve("members").attribute, sent)[0]["value"] == "1"


@given(st.text(min_size=1, max_size=9), st.booleans(), st.lists(st.emails(), max_size=3))
def test_what_is_right_already_stays_as_it_is(name: str, active: bool, addresses: list[str]) -> None:
    document = validate(
        USER,
        {"userName": f"x{name.replace(chr(0), '')}", "active": active, "emails": [{"value": a} for a in addresses]},
        creating=True,
    )
    assert coerce(USER, document) == document


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from(["active", "emails", "name", "name.x", "name.givenName", "a.b", "x:y"]), JSON))
def test_nothing_is_refused_here(document: dict[str, Any]) -> None:
    assert isinstance(coerce(USER, document), dict)
