"""What mappings make of the values of an attribute."""

import re
from base64 import b64decode
from typing import Any

import pytest

from idp.errors import ConfigError
from ldap_bridge.transforms import TRANSFORMS, Unreadable, extract, photo
from tests.ldap_bridge.test_mapping import ADA, ad_person, mapper, person, problem

JPEG, PNG = b"\xff\xd8\xff\xe0" + bytes(range(256)), b"\x89PNG\r\n\x1a\n" + bytes(64)


@pytest.mark.parametrize(
    ("name", "values", "result"),
    [
        ("first", [b" ", b"b", b"a"], ["b"]),
        ("first", [], []),
        ("boolean", [b"TRUE"], [True]),
        ("boolean", [b"no"], [False]),
        ("boolean", [b"0"], [False]),
        ("date", [b"20260131235959Z"], ["2026-01-31T23:59:59.000Z"]),
        ("date", [b"20260131235959.5+0100"], ["2026-01-31T22:59:59.000Z"]),
        ("date", [b"2026-01-31"], ["2026-01-31T00:00:00.000Z"]),
        ("date", [b"20260131"], ["2026-01-31T00:00:00.000Z"]),
        ("date", [b"134142912000000000"], ["2026-01-31T00:00:00.000Z"]),
        ("date", [b"9223372036854775807"], []),
        (
            "addresses",
            [b"smtp:alias@Example.org", b"SMTP:Ada@Example.org", b"X500:/o=x", b"sip:ada@example.org"],
            ["ada@example.org", "alias@example.org"],
        ),
        ("addresses", [b"Ada@Example.org", b"ada@example.org", b"smtp:"], ["ada@example.org"]),
    ],
)
def test_each_transform_makes_of_values_what_it_says(name: str, values: list[bytes], result: list[Any]) -> None:
    assert TRANSFORMS[name](values) == result


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("boolean", b"maybe", "none of true, yes"),
        ("date", b"yesterday", "not a time"),
        ("date", b"2026-02-31", "not a moment of any calendar"),
        ("date", b"99999999999999999999999999", "not a moment of any calendar"),
        ("first", b"\xff", "not UTF-8"),
    ],
)
def test_what_is_not_of_the_form_is_told(name: str, value: bytes, why: str) -> None:
    with pytest.raises(Unreadable, match=why):
        TRANSFORMS[name]([value])


def test_a_pattern_takes_its_group_or_all_and_leaves_out_what_does_not_match() -> None:
    assert extract(re.compile(r"ext\. *(\d+)"))([b"+1 555 ext. 12", b"+1 555"]) == ["12"]
    assert extract(re.compile(r"\d+"))([b"room 12b", b"none"]) == ["12"]
    assert extract(re.compile(r"a(b)?"))([b"a", b"ab"]) == ["b"]


def test_pictures_become_urls_and_what_is_too_large_or_none_is_left_out() -> None:
    found = photo(1000)([JPEG, b"GIF89a" + bytes(2000), b"<svg/>", PNG])
    assert [str(url).partition(";")[0] for url in found] == ["data:image/jpeg", "data:image/png"]
    assert b64decode(str(found[0]).partition(",")[2]) == JPEG


def test_a_person_has_what_such_rules_map() -> None:
    rules = {
        "photos[photo]": {"from": "jpegPhoto", "transform": "photo"},
        "phoneNumbers[other]": {"from": "telephoneNumber", "transform": "regex", "pattern": r"ext (\d+)"},
        "active": {"from": "x-enabled", "transform": "boolean"},
    }
    using = mapper(users={"attributes": rules})
    more = {"jpegphoto": [JPEG], "telephonenumber": [b"+44 1 ext 7"], "x-enabled": [b"FALSE"]}
    found = person({**ADA, **more}, using=using)
    document = found.document()
    assert found.active is False
    assert document["photos"][0]["type"] == "photo"
    assert {"value": "7", "type": "other"} in document["phoneNumbers"]
    assert "x-enabled: none of" in problem({**ADA, "x-enabled": [b"?"]}, using=using).reason


def test_the_address_behind_smtp_in_capitals_is_the_primary_one() -> None:
    addresses = [b"smtp:a.lovelace@example.org", b"SMTP:Ada@example.org"]
    found = person(ad_person(proxyaddresses=addresses, mail=[b"old@example.org"]), using=mapper("active-directory"))
    assert found.document()["emails"] == [
        {"value": "ada@example.org", "type": "work", "primary": True},
        {"value": "a.lovelace@example.org", "type": "work"},
        {"value": "old@example.org", "type": "other"},
    ]
    only = person(ad_person(mail=[b"Ada@example.org"]), using=mapper("active-directory")).document()["emails"]
    assert only == [{"value": "ada@example.org", "type": "work", "primary": True}]


@pytest.mark.parametrize(
    ("preset", "stable", "locked"),
    [
        ("389ds", "nsuniqueid", {"nsaccountlock": [b"true"]}),
        ("389ds", "nsuniqueid", {"accountunlocktime": [b"19700101000000Z"]}),
        ("freeipa", "ipauniqueid", {"nsaccountlock": [b"TRUE"]}),
        ("freeipa", "ipauniqueid", {"krbprincipalexpiration": [b"20200101000000Z"]}),
    ],
)
def test_presets_know_people_and_their_state(preset: str, stable: str, locked: dict[str, list[bytes]]) -> None:
    using = mapper(preset)
    attributes = {**{name: values for name, values in ADA.items() if name != "entryuuid"}, stable: [b"75cf1c81-1"]}
    found = person(attributes, using=using)
    assert (found.stable, found.name, found.active) == ("75cf1c81-1", "ada", True)
    assert found.document()["externalId"] == "75cf1c81-1"
    assert person({**attributes, **locked}, using=using).active is False


@pytest.mark.parametrize(
    ("rule", "why"),
    [
        ({"from": "title", "transform": "regex"}, "there is none"),
        ({"from": "title", "transform": "regex", "pattern": "("}, "no pattern"),
        ({"from": "title", "transform": "lower", "pattern": "x"}, "goes with the transform regex"),
        ({"from": "title", "transform": "boolean"}, "boolean needs one of"),
        ({"from": "title", "transform": "photo", "max_kb": 0}, "max_kb"),
    ],
)
def test_a_rule_that_cannot_work_is_refused(rule: dict[str, Any], why: str) -> None:
    with pytest.raises(ConfigError, match=why):
        mapper(users={"attributes": {"title": rule}})
