"""The people of the bench: what a client sends of each of them."""

import json
from typing import Any
from urllib.parse import quote

USERS, GROUPS = "/scim/v2/Users", "/scim/v2/Groups"
USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
_MILLION, _STRIDE = 1_000_000, 618_033
TEAM = 100
"""So many people share a department, however many people there are."""


def key_of(number: int) -> str:
    """What tells the n-th person from all others; ten in a row share all but the last digit.

    People do not come in the order of their names, so neither do keys: each lands anywhere in an index.
    """
    return f"{scattered(number // 10):06}{number % 10}"


def new_key(number: int) -> str:
    """A key for who comes by the request of that number: it lands among the others, and begins as none of them."""
    text = f"{scattered(number):06}"
    return f"{text[:-1]}n{text[-1]}"


def team_of(number: int) -> str:
    """What the n-th person shares with the others of the department."""
    return f"{number // TEAM:05}"


def scattered(number: int) -> int:
    """A number below a million for each number below a million, in no order."""
    return number * _STRIDE % _MILLION


def user_name(key: str) -> str:
    """The login of the person with that key."""
    return f"bench{key}@example.com"


def user(key: str, team: str = "") -> dict[str, Any]:
    """A person of about 1.2 kB as clients send it; the load client puts a new key in the place of `@n@`."""
    team = team or key
    family = f"Kowalczyk-Łęcka {team}"
    return {
        "schemas": [USER, ENTERPRISE],
        "userName": user_name(key),
        "externalId": f"external-{key}",
        "name": {"givenName": "Björn", "familyName": family, "formatted": f"Björn {family}"},
        "displayName": f"Björn {key} {family}",
        "title": "Member of staff",
        "preferredLanguage": "de",
        "timezone": "Europe/Berlin",
        "emails": [
            {"value": user_name(key), "type": "work", "primary": True},
            {"value": f"home.{key}@example.net", "type": "home"},
        ],
        "phoneNumbers": [{"value": "+49 30 1234567", "type": "work"}],
        "addresses": [{"type": "work", "locality": "Berlin", "postalCode": "10115", "country": "DE"}],
        "active": True,
        ENTERPRISE: {"employeeNumber": key, "department": f"Department {team}", "costCenter": "4711"},
    }


def numbered(number: int) -> dict[str, Any]:
    """The n-th person that a server is filled with."""
    return user(key_of(number), team_of(number))


def group(name: str, members: list[str]) -> dict[str, Any]:
    """A group of people with these ids."""
    return {"schemas": [GROUP], "displayName": name, "members": [{"value": member} for member in members]}


def patch(op: str, path: str, value: Any = None) -> dict[str, Any]:
    """A PATCH of one operation."""
    operation = {"op": op, "path": path} | ({} if value is None else {"value": value})
    return {"schemas": [PATCH], "Operations": [operation]}


def as_text(body: dict[str, Any]) -> str:
    """A body as clients write it."""
    return json.dumps(body, ensure_ascii=False)


def searched(filter: str, more: str = "", endpoint: str = USERS) -> str:
    """The address of a search."""
    return f"{endpoint}?filter={quote(filter)}{more}"
