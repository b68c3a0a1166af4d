"""Filters come out as typed trees, or are refused with a sentence that says why."""

import json

import pytest

from idp.errors import InvalidFilter
from idp.query import And, Compare, Field, Filter, Kind, Not, Op, Or, Present, ValuePath
from idp.schema import GROUP, USER
from idp.schema.urns import ENTERPRISE_USER
from scim.filter import resource_filters

USER_NAME = Field(("userName",), case_exact=False)
TITLE = Field(("title",), case_exact=False)
ACTIVE = Field(("active",), Kind.BOOLEAN, case_exact=False)
SCHEMAS = Field(("schemas",))
EMAILS = Field(("emails",), Kind.COMPLEX, case_exact=False)
TYPE = Field(("type",), case_exact=False)
VALUE = Field(("value",), case_exact=False)
MANAGER = Field((ENTERPRISE_USER, "manager", "value"))
CREATED = Field(("meta", "created"), Kind.DATETIME, case_exact=False)

users = resource_filters(USER)
groups = resource_filters(GROUP)


def a(value: str) -> Compare:
    return Compare(USER_NAME, Op.EQ, value)


def b(value: str) -> Compare:
    return Compare(TITLE, Op.EQ, value)


READ: dict[str, Filter] = {
    'userName eq "x"': a("x"),
    'USERNAME EQ "x"': a("x"),
    ' userName\teq  "x" ': a("x"),
    "title pr": Present(TITLE),
    "active eq true": Compare(ACTIVE, Op.EQ, True),
    "active ne FALSE": Compare(ACTIVE, Op.NE, False),
    "title eq null": Compare(TITLE, Op.EQ, None),
    'userName co "x" and title sw "y"': And((Compare(USER_NAME, Op.CO, "x"), Compare(TITLE, Op.SW, "y"))),
    # `and` binds tighter than `or`, `not` tighter than both.
    'userName eq "1" or userName eq "2" and title eq "3"': Or((a("1"), And((a("2"), b("3"))))),
    'userName eq "1" and userName eq "2" or title eq "3"': Or((And((a("1"), a("2"))), b("3"))),
    '(userName eq "1" or userName eq "2") and title eq "3"': And((Or((a("1"), a("2"))), b("3"))),
    'not (userName eq "1") or title eq "2"': Or((Not(a("1")), b("2"))),
    'not(userName eq "1" or title eq "2")': Not(Or((a("1"), b("2")))),
    'NOT (title pr) AND userName EQ "1"': And((Not(Present(TITLE)), a("1"))),
    '((userName eq "1"))': a("1"),
    'userName eq "1" or userName eq "2" or userName eq "3"': Or((a("1"), a("2"), a("3"))),
    # Values are what JSON says they are, and none of them is ever syntax.
    'userName eq "a\\"b\\\\c\\u00e9"': a('a"b\\cé'),
    'userName eq "x\\" or title pr or userName eq \\"y"': a('x" or title pr or userName eq "y'),
    'userName eq "] and ("': a("] and ("),
    'userName eq "true"': a("true"),
    'userName eq "5"': a("5"),
    'userName eq ""': a(""),
    'userName eq "$where"': a("$where"),
    # Complex and multi-valued attributes.
    'emails eq "x"': Compare(Field(("emails", "value"), case_exact=False), Op.EQ, "x"),
    'emails.type eq "work"': Compare(Field(("emails", "type"), case_exact=False), Op.EQ, "work"),
    'emails[type eq "work"]': ValuePath(EMAILS, Compare(TYPE, Op.EQ, "work")),
    'schemas[value sw "urn"]': ValuePath(SCHEMAS, Compare(Field(("value",)), Op.SW, "urn")),
    'schemas[value sw "urn"] eq "x"': ValuePath(
        SCHEMAS, And((Compare(Field(("value",)), Op.SW, "urn"), Compare(Field(("value",)), Op.EQ, "x")))
    ),
    'emails[type eq "work"] pr': ValuePath(EMAILS, Compare(TYPE, Op.EQ, "work")),
    'emails[type eq "work" and value co "@x"]': ValuePath(
        EMAILS, And((Compare(TYPE, Op.EQ, "work"), Compare(VALUE, Op.CO, "@x")))
    ),
    'emails[type eq "work"].value eq "x"': ValuePath(
        EMAILS, And((Compare(TYPE, Op.EQ, "work"), Compare(VALUE, Op.EQ, "x")))
    ),
    'emails[type eq "work"] eq "x"': ValuePath(EMAILS, And((Compare(TYPE, Op.EQ, "work"), Compare(VALUE, Op.EQ, "x")))),
    'emails[not (type pr)] and title eq "x"': And((ValuePath(EMAILS, Not(Present(TYPE))), b("x"))),
    'name.givenName eq "x"': Compare(Field(("name", "givenName"), case_exact=False), Op.EQ, "x"),
    "name pr": Present(Field(("name",), Kind.COMPLEX, case_exact=False)),
    # Extensions.
    f'{ENTERPRISE_USER}:manager.value eq "x"': Compare(MANAGER, Op.EQ, "x"),
    f'{ENTERPRISE_USER}:manager eq "x"': Compare(MANAGER, Op.EQ, "x"),
    f'{ENTERPRISE_USER}.manager eq "x"': Compare(MANAGER, Op.EQ, "x"),
    f'{ENTERPRISE_USER.upper()}:MANAGER.VALUE eq "x"': Compare(MANAGER, Op.EQ, "x"),
    f'{USER.schema.id}:userName eq "x"': a("x"),
    f"{ENTERPRISE_USER} pr": Present(Field((ENTERPRISE_USER,), Kind.COMPLEX, case_exact=False)),
    # Moments.
    'meta.created gt "2026-03-11T10:00:00+01:00"': Compare(CREATED, Op.GT, "2026-03-11T10:00:00+01:00"),
    'meta.created ge "2026-03-11T10:00:00Z"': Compare(CREATED, Op.GE, "2026-03-11T10:00:00Z"),
}


@pytest.mark.parametrize("text", READ)
def test_a_filter_becomes_a_typed_tree(text: str) -> None:
    assert users.read(text) == READ[text]


@pytest.mark.parametrize("text", ['members eq "x"', 'members.value eq "x"', 'MEMBERS EQ "x"'])
def test_a_group_is_found_by_a_member(text: str) -> None:
    assert groups.read(text) == Compare(Field(("members", "value")), Op.EQ, "x")


def test_a_member_can_be_described_by_several_sub_attributes() -> None:
    wanted = And((Compare(Field(("value",)), Op.EQ, "x"), Compare(TYPE, Op.EQ, "User")))
    assert groups.read('members[value eq "x" and type eq "User"]') == ValuePath(
        Field(("members",), Kind.COMPLEX, case_exact=False), wanted
    )


REFUSED = {
    "": "ends too early",
    "   ": "ends too early",
    "userName": "ends too early",
    "userName eq": "ends too early",
    'userName eq "x" and': "ends too early",
    '(userName eq "x"': "ends too early",
    'emails[type eq "x"': "ends too early",
    'userName eq "x")': "unexpected ')'",
    'userName eq "x" title pr': "unexpected 'title'",
    'userName xx "x"': "unexpected 'xx'",
    'userName "x"': "unexpected value",
    '"x" eq userName': "unexpected value",
    'not title eq "x"': "unexpected 'title'",
    "userName eq bjensen": "unexpected 'bjensen'",
    "userName eq 'x'": "cannot stand in a filter",
    'userName eq "x': "not closed",
    'userName = "x"': "cannot stand in a filter",
    'name .givenName eq "x"': "cannot stand in a filter",
    'userName eq "x"; drop': "cannot stand in a filter",
    'nosuch eq "x"': "no such attribute",
    'name.nosuch eq "x"': "no such sub-attribute",
    'userName.value eq "x"': "no such sub-attribute",
    'emails[nosuch eq "x"]': "no such sub-attribute",
    'urn:nobody:2.0:User:title eq "x"': "no such attribute",
    'title[value eq "x"]': "only a complex or multi-valued attribute",
    'schemas[type eq "x"]': "no such sub-attribute",
    "schemas[value eq 1]": "not a reference value",
    "emails[type pr][value pr]": "selects twice",
    'emails[type pr].value[primary pr] eq "x"': "selects twice",
    'name eq "x"': "cannot be compared",
    'active eq "true"': "not a boolean",
    "active eq 1": "not a boolean",
    "active gt true": "cannot be compared",
    "active co true": "cannot be compared",
    "userName eq 5": "not a string",
    "userName eq true": "not a string",
    "title gt null": "not a string",
    'meta.created gt "yesterday"': "not a dateTime",
    "meta.created gt 2026": "not a dateTime",
    'meta.created co "2026"': "cannot be compared",
    'password eq "x"': "cannot be used",
    "password pr": "cannot be used",
    'meta.version co "1"': "cannot be compared",
    'meta[version gt "W/"]': "cannot be compared",
    'userName eq "\\q"': "not a JSON string",
    'userName eq "\\ud800"': "not a JSON string",
    'userName eq "a\nb"': "not a JSON string",
    'userName eq "\\u0000"': "NUL",
    "userName eq 1.2.3": "not a JSON number",
    "userName eq 1e999": "out of range",
    "userName eq 99999999999999999999": "out of range",
    f"userName eq {2**63}": "out of range",
}


@pytest.mark.parametrize("text", REFUSED)
def test_a_filter_that_makes_no_sense_is_refused_with_the_reason(text: str) -> None:
    with pytest.raises(InvalidFilter, match=REFUSED[text].replace(")", r"\)").replace("(", r"\(")):
        users.read(text)


def test_a_certificate_has_no_order() -> None:
    with pytest.raises(InvalidFilter, match="cannot be compared"):
        users.read('x509Certificates.value gt "AAAA"')


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('userName eq "' + "x" * 9_000 + '"', "longer than"),
        (" or ".join(["title pr"] * 300), "more than 200 terms"),
        (" or ".join(['title eq ""'] * 300), "more than 200 terms"),
        ("(" * 30 + "title pr" + ")" * 30, "levels deep"),
        ("not (" * 30 + "title pr" + ")" * 30, "levels deep"),
        ("(" * 8_000, "levels deep"),
        ("[" * 8_000, "levels deep"),
    ],
)
def test_a_filter_over_a_limit_is_refused_before_it_is_parsed(text: str, reason: str) -> None:
    with pytest.raises(InvalidFilter, match=reason):
        users.read(text)


def test_two_hundred_terms_are_read() -> None:
    read = users.read(" or ".join(f"userName eq {json.dumps(str(n))}" for n in range(200)))
    assert read == Or(tuple(a(str(n)) for n in range(200)))


def test_the_same_shape_is_bound_to_each_request_s_own_values() -> None:
    assert users.read('userName eq "x" or title eq "y"') == Or((a("x"), b("y")))
    assert users.read('userName eq "y" or title eq "x"') == Or((a("y"), b("x")))
    with pytest.raises(InvalidFilter, match="not a string"):
        users.read('userName eq 1 or title eq "x"')
