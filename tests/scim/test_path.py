"""PATCH paths name an attribute, some of its elements, or a sub-attribute of those."""

import pytest

from idp.errors import InvalidFilter, InvalidPath
from idp.query import And, Compare, Field, Op, Present
from idp.schema import GROUP, USER
from idp.schema.urns import ENTERPRISE_USER
from tests.support.scim import BASE, paths_of

users = paths_of(USER)
groups = paths_of(GROUP)

TYPE = Field(("type",), case_exact=False)
VALUE = Field(("value",), case_exact=False)
EXACT_VALUE = Field(("value",))
MANAGER = f"{ENTERPRISE_USER}:manager"


@pytest.mark.parametrize(
    ("text", "keys", "sub"),
    [
        ("userName", ("userName",), None),
        ("USERNAME", ("userName",), None),
        (" title ", ("title",), None),
        ("name.givenName", ("name",), "givenName"),
        ("NAME.givenname", ("name",), "givenName"),
        ("emails.value", ("emails",), "value"),
        (f"{USER.schema.id}:name.givenName", ("name",), "givenName"),
        (ENTERPRISE_USER, (ENTERPRISE_USER,), None),
        (f"{ENTERPRISE_USER}:department", (ENTERPRISE_USER, "department"), None),
        (f"{ENTERPRISE_USER.lower()}:Department", (ENTERPRISE_USER, "department"), None),
        (f"{ENTERPRISE_USER}.department", (ENTERPRISE_USER, "department"), None),
        (f"{ENTERPRISE_USER}:manager", (ENTERPRISE_USER, "manager"), None),
        (f"{ENTERPRISE_USER}:manager.value", (ENTERPRISE_USER, "manager"), "value"),
        (f"{ENTERPRISE_USER}.manager.value", (ENTERPRISE_USER, "manager"), "value"),
    ],
)
def test_a_plain_path_leads_to_an_attribute(text: str, keys: tuple[str, ...], sub: str | None) -> None:
    path = users.read(text)
    assert path.keys == keys
    assert path.filter is None
    assert (path.sub.name if path.sub else None) == sub


@pytest.mark.parametrize(
    ("text", "wanted", "sub"),
    [
        ('emails[type eq "work"]', Compare(TYPE, Op.EQ, "work"), None),
        ('Emails[TYPE EQ "work"].Value', Compare(TYPE, Op.EQ, "work"), "value"),
        ("emails[type pr].display", Present(TYPE), "display"),
        (
            'emails[type eq "work" and value ew "@x"].display',
            And((Compare(TYPE, Op.EQ, "work"), Compare(VALUE, Op.EW, "@x"))),
            "display",
        ),
        ('emails[value eq "]"].display', Compare(VALUE, Op.EQ, "]"), "display"),
        ('emails[value eq "\\"]."].display', Compare(VALUE, Op.EQ, '"].'), "display"),
        ('emails[value eq "\\\\"].display', Compare(VALUE, Op.EQ, "\\"), "display"),
        (
            'name[familyName eq "x"].givenName',
            Compare(Field(("familyName",), case_exact=False), Op.EQ, "x"),
            "givenName",
        ),
        (f'{MANAGER}[value eq "x"]', Compare(EXACT_VALUE, Op.EQ, "x"), None),
        (f'{MANAGER}[$ref eq "{BASE}/Users/x"]', Compare(EXACT_VALUE, Op.EQ, "x"), None),
        # An element that is not complex is its value.
        ('schemas[value sw "urn"]', Compare(EXACT_VALUE, Op.SW, "urn"), "value"),
        ('schemas[value sw "urn"].value', Compare(EXACT_VALUE, Op.SW, "urn"), "value"),
    ],
)
def test_a_filter_in_brackets_selects_elements(text: str, wanted: object, sub: str | None) -> None:
    path = users.read(text)
    assert path.keys == users.read(text.partition("[")[0]).keys
    assert path.filter == wanted
    assert (path.sub.name if path.sub else None) == sub


def test_a_member_is_named_by_its_id() -> None:
    assert groups.read('members[value eq "x"]').filter == Compare(Field(("value",)), Op.EQ, "x")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("nosuch", "no such attribute"),
        ("name.nosuch", "no such sub-attribute"),
        ("urn:nobody:1.0:User:title", "no such attribute"),
        ('title[value eq "x"]', "only a complex or multi-valued attribute"),
        ('emails.value[type eq "x"]', "only a complex or multi-valued attribute"),
        ('schemas[value eq "x"].type', "no sub-attribute"),
        ('emails[type eq "x"', "not closed"),
        ('emails[type eq "x]', "not closed"),
        ('emails[type eq "x"]value', "no sub-attribute"),
        ('emails[type eq "x"].nosuch', "no sub-attribute"),
        ('emails[type eq "x"].', "no sub-attribute"),
        ('emails[type eq "x"][value eq "y"]', "no sub-attribute"),
        ("", "no such attribute"),
        ("x" * 3_000, "longer than"),
    ],
)
def test_a_path_that_leads_nowhere_is_refused_with_the_reason(text: str, reason: str) -> None:
    with pytest.raises(InvalidPath, match=reason):
        users.read(text)


@pytest.mark.parametrize(
    "text",
    [
        *("emails[]", "emails[type]", 'emails[nosuch eq "x"]', "emails[primary eq 1]", 'schemas[type eq "x"]'),
        # Of a manager no more is known here than is stored.
        f'{MANAGER}[displayName eq "x"]',
    ],
)
def test_a_filter_that_makes_no_sense_is_an_invalid_filter_in_a_path_too(text: str) -> None:
    with pytest.raises(InvalidFilter):
        users.read(text)
