"""What is read off a user's document: who is written to, and by which name."""

from typing import Any

import pytest

from idp.auth.people import greeting_of, mail_of
from idp.directory import Resource

HOME, WORK = {"value": "home@example.net"}, {"value": "ada@example.org", "type": "work", "primary": True}


def ada(**attributes: Any) -> Resource:
    return Resource("1", 1, {"id": "1", "userName": "ada", **attributes})


@pytest.mark.parametrize(
    ("emails", "wanted"),
    [
        ([HOME, WORK], "ada@example.org"),
        ([HOME, {**WORK, "primary": False}], "home@example.net"),
        ([{"type": "work", "primary": True}, HOME], "home@example.net"),
        ([{"type": "work"}], None),
        ([], None),
    ],
)
def test_mail_goes_to_the_primary_address_else_to_the_first_that_is_one(
    emails: list[dict[str, Any]], wanted: str | None
) -> None:
    assert mail_of(ada(emails=emails)) == wanted


@pytest.mark.parametrize(
    ("attributes", "wanted"),
    [
        ({"displayName": "Countess", "name": {"formatted": "Ada King"}}, "Countess"),
        ({"name": {"formatted": "Ada King", "givenName": "Ada"}}, "Ada King"),
        ({"name": {"givenName": "Ada", "familyName": "Lovelace"}}, "Ada Lovelace"),
        ({"name": {"middleName": "Augusta"}}, "ada"),
        ({}, "ada"),
    ],
)
def test_a_letter_calls_people_as_the_pages_do(attributes: dict[str, Any], wanted: str) -> None:
    assert greeting_of(ada(**attributes)) == wanted
