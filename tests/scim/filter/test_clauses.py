"""RFC 7644 section 3.4.2.2 clause by clause, asked over HTTP of both stores: tables of filters and whom they find."""

import base64
import operator
from collections.abc import Callable
from typing import Any, Final

import pytest

from idp.clock import from_text
from idp.schema.urns import ENTERPRISE_USER
from tests.support.declared import DEVICE, WARRANTY
from tests.support.scim import Api


@pytest.fixture
def api(api_with_devices: Api) -> Api:
    return api_with_devices


async def found(api: Api, path: str, filter: str, name: str) -> str:
    """Return the names that a filter finds, in order; or the kind of error and no names."""
    answer = await api.ask("GET", path, filter=filter, attributes=name)
    if answer.status != 200:
        return f"{answer.status} {answer.body.get('scimType')}"
    assert answer.body["totalResults"] == len(answer.body["Resources"])
    return " ".join(sorted(resource[name] for resource in answer.body["Resources"]))


# --- every operator by every type ---

OPERATORS: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "eq": operator.eq,
    "co": operator.contains,
    "sw": str.startswith,
    "ew": str.endswith,
    "gt": operator.gt,
    "ge": operator.ge,
    "lt": operator.lt,
    "le": operator.le,
}
EQUALITY: Final = {"eq"}
SUBSTRING: Final = EQUALITY | {"co", "sw", "ew"}
ORDER: Final = EQUALITY | {"gt", "ge", "lt", "le"}
# An attribute, how its values compare, the operators it has beside `ne` and `pr`, its values in four devices, and what
# it is compared with.
TYPES: Final[list[tuple[str, Callable[[Any], Any], set[str], list[Any], list[Any]]]] = [
    ("displayName", str.casefold, SUBSTRING | ORDER, ["Ada's", "ADA'S", "bob's", None], ["ada's", "a", "S", ""]),
    ("externalId", str, SUBSTRING | ORDER, ["A1", "a1", "B1", None], ["a1", "A", "1", "B"]),
    ("manual", str, SUBSTRING | ORDER, ["https://a/x", "https://A/x", "urn:x", None], ["https://a/x", "https", "x"]),
    ("encrypted", bool, EQUALITY, [True, False, True, None], [True, False]),
    ("memory", int, ORDER, [2, 10, -1, None], [2, 9, -1, 2.0]),
    ("screen", float, ORDER, [13.3, 2, -0.5, None], [13.3, 2, 0, -0.5]),
    (
        "bought",
        from_text,
        ORDER,
        ["2030-01-31T12:00:00Z", "2030-01-31T13:00:00+01:00", "2029-12-31T23:59:59.5Z", None],
        ["2030-01-31T12:00:00Z", "2030-01-31T07:00:00-05:00", "2029-12-31T23:59:59.500Z"],
    ),
    (
        "certificate",
        str,
        SUBSTRING,
        [base64.b64encode(octets).decode() for octets in (b"abc", b"ab1", b"Abc")] + [None],
        ["YWJj", "YW", "bc"],
    ),
]
SERIALS: Final = "ABCD"


def literal(value: Any) -> str:
    return f'"{value}"' if isinstance(value, str) else str(value).lower()


async def test_every_operator_means_on_every_type_what_it_means(api: Api, request: pytest.FixtureRequest) -> None:
    # The stores are compared on random filters elsewhere; here one literal is enough for the slower one.
    literals = 1 if "pymongo" in request.node.name else None
    for place, serial in enumerate(SERIALS):
        values = {name: column[place] for name, _, _, column, _ in TYPES if column[place] is not None}
        body = {"schemas": [DEVICE, WARRANTY], "serialNumber": serial, WARRANTY: {"provider": "ACME"}, **values}
        await api.post("/Devices", body)
    wrong = []
    for name, key, allowed, column, asked in TYPES:
        present = dict(zip(SERIALS, column, strict=True))
        wanted = {f"{name} pr": present.keys() - {"D"}, f"{name} eq null": {"D"}, f"{name} ne null": set("ABC")}
        for value in asked[:literals]:
            equal = {serial for serial in "ABC" if key(present[serial]) == key(value)}
            wanted[f"{name} ne {literal(value)}"] = set(SERIALS) - equal
            for op in allowed:
                holds = {serial for serial in "ABC" if OPERATORS[op](key(present[serial]), key(value))}
                wanted[f"{name} {op} {literal(value)}"] = holds
        told = {text: " ".join(sorted(serials)) for text, serials in wanted.items()}
        told |= {f"{name} {op} {literal(asked[0])}": "400 invalidFilter" for op in OPERATORS.keys() - allowed}
        for text, serials in told.items():
            answer = await found(api, "/Devices", text, "serialNumber")
            wrong += [] if answer == serials else [f"{text} found {answer}, not {serials}"]
    assert wrong == []


# --- the rest of the section ---

PEOPLE: Final[dict[str, dict[str, Any]]] = {
    "ada": {
        "title": "Countess",
        "name": {"givenName": "Ada", "familyName": "Lovelace"},
        "emails": [{"value": "ada@work.org", "type": "work", "primary": True}, {"value": "a@home.org", "type": "home"}],
        ENTERPRISE_USER: {"department": "Art"},
    },
    "bob": {"active": False, "emails": [{"value": "ada@work.org", "type": "home"}], "displayName": 'B"o\\b'},
    "cyd": {"title": "countess", "emails": [{"value": "cyd@work.org", "type": "work"}]},
    "dee": {},
}
USERS: Final[dict[str, str]] = {
    # Names of attributes and operators in any case; values as the schema says.
    'USERNAME EQ "ADA"': "ada",
    'usernamE Sw "A" AnD Active eQ TRUE': "ada",
    'title eq "COUNTESS"': "ada cyd",
    'meta.resourceType eq "user"': "",
    'id eq "{ada}"': "ada",
    'id eq "{ADA}"': "",
    # Grouping, and the precedence of table 5: grouping, not, and, or.
    'userName eq "ada" or userName eq "cyd" and title eq "none"': "ada",
    '(userName eq "ada" or userName eq "cyd") and title eq "none"': "",
    'title eq "none" and userName eq "cyd" or userName eq "ada"': "ada",
    'not (userName eq "ada") and title pr': "cyd",
    'not (userName eq "ada" and title pr)': "bob cyd dee",
    'not (title pr) or userName eq "ada"': "ada bob dee",
    'not (not (title pr)) and not (userName eq "ada")': "cyd",
    '((((userName eq "ada"))))': "ada",
    'title pr and (userName eq "ada" or (userName eq "cyd" and not (active eq false)))': "ada cyd",
    # Values are JSON.
    r'displayName eq "B\"o\\b"': "bob",
    r'userName eq "\u0061da"': "ada",
    # Presence: of a simple, a complex, a multi-valued attribute, of one part of it, of an extension.
    "title pr": "ada cyd",
    "name pr": "ada",
    "name.givenName pr": "ada",
    "emails pr": "ada bob cyd",
    "emails.primary pr": "ada",
    f"{ENTERPRISE_USER} pr": "ada cyd",
    f"{ENTERPRISE_USER}:manager pr": "cyd",
    "groups pr": "ada bob",
    "meta pr and meta.lastModified pr": "ada bob cyd dee",
    'title eq ""': "",
    # A multi-valued attribute matches when one of its values does; `ne` is the contrary of `eq`.
    'emails eq "a@home.org"': "ada",
    'emails.value ew "@WORK.org"': "ada bob cyd",
    'emails.type ne "work"': "bob dee",
    'not (emails.type eq "work")': "bob dee",
    # Two conditions, on any elements or on one and the same.
    'emails.type eq "home" and emails.value sw "ada"': "ada bob",
    'emails[type eq "home" and value sw "ada"]': "bob",
    'emails[type eq "home" or value sw "cyd"]': "ada bob cyd",
    'emails[not (type eq "work")]': "ada bob",
    'not (emails[type eq "work"])': "bob dee",
    'emails[type eq "work"].value eq "ada@work.org"': "ada",
    'emails[type eq "work"] eq "ada@work.org"': "ada",
    "emails[primary eq true].type pr": "ada",
    'EMAILS[TYPE EQ "WORK" AND (VALUE CO "CYD" OR PRIMARY EQ TRUE)]': "ada cyd",
    'emails[type eq "work"] and title eq "countess" and not (userName eq "ada")': "cyd",
    # Extensions and whole names.
    f'{ENTERPRISE_USER}:department eq "art"': "ada",
    f'{ENTERPRISE_USER.upper()}:DEPARTMENT eq "ART"': "ada",
    'urn:ietf:params:scim:schemas:core:2.0:User:userName eq "dee"': "dee",
    'urn:ietf:params:scim:schemas:core:2.0:User:name.familyName sw "love"': "ada",
    f'{ENTERPRISE_USER}:manager.value eq "{{ada}}"': "cyd",
    f'{ENTERPRISE_USER}:manager[value eq "{{ada}}"]': "cyd",
    f'{ENTERPRISE_USER}:manager.value eq "{{bob}}"': "",
    'schemas eq "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"': "ada cyd",
    'schemas[value eq "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"]': "ada cyd",
    'schemas[value ew ":User" and value co "enterprise"] and title eq "countess"': "ada cyd",
    'schemas[value eq "none"]': "",
    # The attributes of every resource.
    'meta.created lt "2000-01-01T00:00:00Z"': "",
    'meta.created ge "2000-01-01T00:00:00+14:00" and meta.resourceType eq "User"': "ada bob cyd dee",
    # Groups, direct and through others.
    'groups.value eq "{inner}"': "ada",
    'groups eq "{outer}"': "ada bob",
    'groups[value eq "{outer}" and type eq "direct"]': "bob",
    'groups[value eq "{outer}" and type eq "indirect"]': "ada",
    'groups.display sw "IN" and title pr': "ada",
    'not (groups eq "{inner}")': "bob cyd dee",
    # What makes no sense is said to make none, and finds nobody.
    "active gt true": "400 invalidFilter",
    "active ge false": "400 invalidFilter",
    'name eq "Ada"': "400 invalidFilter",
    'userName eq "ada" and': "400 invalidFilter",
    'not userName eq "ada"': "400 invalidFilter",
    'userName regex ".*"': "400 invalidFilter",
    'nobody eq "x"': "400 invalidFilter",
    'emails[type eq "work"': "400 invalidFilter",
    "userName eq ada": "400 invalidFilter",
    'active eq "true"': "400 invalidFilter",
    'meta.created gt "today"': "400 invalidFilter",
    'password eq "x"': "400 invalidFilter",
}
GROUPS: Final[dict[str, str]] = {
    'members.value eq "{ada}"': "inner",
    'members eq "{bob}"': "outer",
    'members[value eq "{inner}"]': "outer",
    'members[type eq "Group"]': "outer",
    'members[type eq "User" and value eq "{ada}"]': "inner",
    'members.display eq "ADA LOVELACE" or members.display eq "ada"': "inner",
    'members.value ne "{ada}"': "empty outer",
    "members pr": "inner outer",
    "not (members pr)": "empty",
    'members[value eq "{ada}" or value eq "{bob}"] and displayName sw "o"': "outer",
    'displayName co "n" and not (members.type eq "Group")': "inner",
    'meta.resourceType eq "Group"': "empty inner outer",
}


async def test_every_clause_of_the_section_finds_whom_it_should(api: Api) -> None:
    ids: dict[str, str] = {}
    for name, attributes in PEOPLE.items():
        more = {ENTERPRISE_USER: {"manager": {"value": ids["ada"]}}} if name == "cyd" else {}
        ids[name] = (await api.user(userName=name, **attributes, **more))["id"]
    inner = await api.group({"id": ids["ada"]}, displayName="inner")
    outer = await api.group({"id": inner["id"]}, {"id": ids["bob"]}, displayName="outer")
    await api.group(displayName="empty")
    ids |= {"inner": inner["id"], "outer": outer["id"], "ADA": ids["ada"].upper()}
    wrong = []
    for path, name, table in (("/Users", "userName", USERS), ("/Groups", "displayName", GROUPS)):
        for text, wanted in table.items():
            asked = text
            for word, known in ids.items():
                asked = asked.replace(f"{{{word}}}", known)
            answer = await found(api, path, asked, name)
            wrong += [] if answer == wanted else [f"{text} found {answer}, not {wanted}"]
    assert wrong == []
