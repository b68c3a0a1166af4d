"""Which elements of a list are the same, as PATCH adds some and takes some away."""

from typing import Any

import pytest

from idp.schema import USER, Attribute, Type
from scim.elements import merged, without

EMAILS = USER.resolve("emails").attribute
CERTIFICATES = USER.resolve("x509Certificates").attribute
TAGS = Attribute("tags", multi_valued=True)
CODES = Attribute("codes", multi_valued=True, case_exact=True)
NUMBERS = Attribute("numbers", type=Type.INTEGER, multi_valued=True)
WORK = {"value": "Ada@example.com", "type": "work", "primary": True}


def mail(value: str, **more: Any) -> dict[str, Any]:
    return {"value": value, **more}


@pytest.mark.parametrize(
    ("attribute", "current", "added", "wanted"),
    [
        (EMAILS, [WORK], [mail("ada@EXAMPLE.com", type="WORK")], [mail("ada@EXAMPLE.com", type="WORK", primary=True)]),
        (EMAILS, [WORK], [mail("ADA@example.com")], [mail("ADA@example.com", type="work", primary=True)]),
        (EMAILS, [WORK], [mail("ada@example.com", type="home")], [WORK, mail("ada@example.com", type="home")]),
        (EMAILS, [], [mail("a"), mail("A")], [mail("A")]),
        (CERTIFICATES, [mail("YWJj")], [mail("ywjj")], [mail("YWJj"), mail("ywjj")]),
        (TAGS, ["Red"], ["RED", "blue", "Blue"], ["Red", "blue"]),
        (CODES, ["Red"], ["RED", "Red"], ["Red", "RED"]),
        (NUMBERS, [1, 2], [2, 3], [1, 2, 3]),
    ],
)
def test_what_is_there_in_another_case_is_not_added_again(
    attribute: Attribute, current: list[Any], added: list[Any], wanted: list[Any]
) -> None:
    assert merged(attribute, [dict(one) if isinstance(one, dict) else one for one in current], added) == wanted


@pytest.mark.parametrize(
    ("attribute", "current", "unwanted", "wanted"),
    [
        (EMAILS, [WORK, mail("b")], [mail("ADA@EXAMPLE.COM")], [mail("b")]),
        (EMAILS, [WORK, mail("b")], [mail("ada@example.com", type="Work"), mail("B", type="x")], [mail("b")]),
        (EMAILS, [WORK], [mail("ada@example.com", type="home")], [WORK]),
        (CERTIFICATES, [mail("YWJj")], [mail("ywjj")], [mail("YWJj")]),
        (TAGS, ["Red", "blue"], ["RED"], ["blue"]),
        (CODES, ["Red", "blue"], ["RED"], ["Red", "blue"]),
    ],
)
def test_what_is_to_go_is_found_in_any_case_that_its_schema_allows(
    attribute: Attribute, current: list[Any], unwanted: list[Any], wanted: list[Any]
) -> None:
    assert without(attribute, current, unwanted) == wanted
