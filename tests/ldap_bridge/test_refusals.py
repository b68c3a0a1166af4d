"""Entries of which no account or group can be made: told when the plan is made, not when it is carried out."""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from random import Random

import pytest

from idp.directory.names import check_name
from idp.errors import InvalidValue
from idp.schema import default_registry, validate
from ldap_bridge.entries import Entry
from ldap_bridge.mapping import Found, Mapper
from ldap_bridge.settings import parse
from tests.ldap_bridge.conftest import Bridge, Folk
from tests.ldap_bridge.test_declared import BADGE, badge_with
from tests.support.directory import SYSTEM
from tests.support.people import BASE

NOW = datetime(2026, 6, 1, tzinfo=UTC)
LONG = "x" * 5_000
ODD = ["a\x00b", LONG, "\\u0000", "a\x1fb", " ", "É" * 513, "ä" * 4_096, "a/b", "\u00a0x", "true", "-1", "2026-01-31"]


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"title": LONG}, "title: longer than 4096 characters"),
        ({"mail": LONG}, "emails[0].value: longer than 4096 characters"),
        ({"uid": "y" * 600}, "userName: longer than 512 characters"),
        ({"uid": "new\N{LINE SEPARATOR}line"}, "userName: may not hold control characters"),
    ],
)
async def test_a_plan_names_entry_and_attribute_and_creates_nobody(
    filed: Bridge, folk: Folk, values: dict[str, str], named: str
) -> None:
    folk.write(p1=values)
    dn = f"uid=p1,{BASE}"
    told = {"dn": dn, "reason": named}
    plan = await filed.service.plan(SYSTEM, "corp")
    assert ([*plan.problems], plan.counts["create"]) == ([told], 12)
    assert (await filed.service.test(SYSTEM, "corp")).problems == [told]
    assert (await filed.service.explainer.explain(SYSTEM, "corp", dn)).problems == [named]
    run = await filed.sync()
    assert (run.errors, run.problems, len(await filed.people())) == (0, [told], 11)
    folk.write(p1={"title": "CTO", "mail": "p1@example.org", "uid": "p1"})
    assert (await filed.sync()).counts["create"] == 1


async def test_a_group_is_named_as_well(filed: Bridge, folk: Folk) -> None:
    folk.path.write_text(folk.path.read_text().replace("cn: all", f"cn: {LONG}"))
    plan = await filed.service.plan(SYSTEM, "corp")
    assert [*plan.problems] == [{"dn": f"cn=all,{BASE}", "reason": "displayName: longer than 4096 characters"}]
    assert plan.counts["create"] == 12


async def test_so_is_a_new_login_that_cannot_be_one_while_an_old_one_stays(filed: Bridge, folk: Folk) -> None:
    await filed.sync()
    folk.write(p1={"uid": "y" * 600})
    plan = await filed.service.plan(SYSTEM, "corp")
    assert [one["reason"] for one in plan.problems] == ["userName: longer than 512 characters"]
    assert not any(plan.counts.values())


def refusal(mapper: Mapper, check: Callable[[str], None], found: Found) -> str:
    """What is said of a document when it is written."""
    try:
        validate(mapper.kinds["User"], found.document(), creating=True)
        check(found.name)
    except InvalidValue as error:
        return str(error)
    return ""


@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize("preset", ["openldap", "active-directory"])
@pytest.mark.parametrize(
    "own",
    [
        {},
        {"description": "Any text"},
        {"description": "Needed", "required": True},
        {"description": "A number", "type": "integer"},
        {"description": "A moment", "type": "dateTime"},
        {"description": "Octets", "type": "binary"},
        {"description": "Several", "multiValued": True},
    ],
    ids=lambda own: str(own.get("description", "none")),
)
def test_it_says_of_any_entry_what_validation_says(preset: str, own: dict[str, object], *, strict: bool) -> None:
    registry = badge_with({"name": "own", **own}) if own else default_registry()
    more = {f"{BADGE}:own": "roomNumber"} if own else {}
    section = {"url": "ldap://localhost", "base": BASE, "preset": preset, "users": {"attributes": more}}
    check = partial(check_name, strict=strict)
    mapper = Mapper(parse("corp", section, registry=registry), check)
    random, seen = Random(preset), set[bool]()
    for number in range(25):
        attributes = {
            name.lower(): [value.encode() for value in random.choices([*ODD, "Ada", "ada@example.org"], k=2)]
            for name in random.sample(mapper.people_selection.attributes, 3)
        }
        attributes |= {mapper.login_attributes[0].lower(): [random.choice(["ada", *ODD]).encode()]}
        stable = {"entryuuid": [b"stable"], "objectguid": [bytes(16)]}
        for found in mapper.people(NOW, [Entry(f"cn={number}", {**attributes, **stable})]).found:
            said = refusal(mapper, check, found)
            assert mapper.why_no_person(found) == said
            seen.add(not said)
    assert seen == {True, False}
