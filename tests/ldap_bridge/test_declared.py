"""A directory's section maps to attributes that the settings declare."""

import json
from collections.abc import Mapping
from pathlib import Path

import msgspec
import pytest

from idp.errors import ConfigError
from idp.schema import Registry, default_registry, read_declarations, validate, with_declared
from idp.store import Store
from ldap_bridge.mapping import Mapper
from ldap_bridge.rules import HIDDEN
from ldap_bridge.settings import parse
from tests.ldap_bridge.conftest import Bridge, Folk, bridge_over
from tests.support.clock import FakeClock
from tests.support.directory import SYSTEM

BADGE = "urn:example:params:scim:schemas:extension:2.0:Badge"
DEVICES = Path(__file__).parents[2] / "config" / "schemas" / "devices.json"
SECTION = {"url": "ldap://localhost", "base": "dc=x", "users": {"attributes": {f"{BADGE}:number": "employeeNumber"}}}


def test_an_attribute_of_a_declared_extension_is_mapped_and_owned() -> None:
    kinds = list(default_registry().resource_types.values())
    registry = Registry(with_declared(kinds, {"devices": read_declarations(DEVICES.read_bytes(), "devices")}))
    mapper = Mapper(parse("corp", SECTION, registry=registry))
    assert (BADGE, "number") in mapper.users.owned
    assert mapper.kinds["User"].resolve(f"{BADGE}:number").keys == (BADGE, "number")


def test_one_that_nobody_declared_is_a_mistake_in_the_section() -> None:
    with pytest.raises(ConfigError, match="Badge"):
        Mapper(parse("corp", SECTION))


def test_of_one_with_several_plain_values_each_stands_for_itself() -> None:
    keys = {"name": "keys", "description": "What opens.", "multiValued": True}
    registry = badge_with(keys)
    section = {**SECTION, "users": {"attributes": {f"{BADGE}:keys": "carLicense"}}}
    mapper = Mapper(parse("corp", section, registry=registry))
    document = mapper.users.apply({"uid": [b"ada"], "carlicense": [b"one", b"two", b"one"]})
    assert validate(mapper.kinds["User"], document, creating=True)[BADGE] == {"keys": ["one", "two"]}
    section = {**SECTION, "users": {"attributes": {f"{BADGE}:keys[work]": "carLicense"}}}
    with pytest.raises(ConfigError, match=r"so no \[type\]"):
        Mapper(parse("corp", section, registry=registry))


def badge_with(attribute: Mapping[str, object]) -> Registry:
    """One in which people have a badge with one attribute."""
    declared = {
        "schemas": [{"id": BADGE, "name": "Badge", "description": "A badge", "attributes": [attribute]}],
        "extensions": [{"resourceType": "User", "schema": BADGE}],
    }
    kinds = list(default_registry().resource_types.values())
    return Registry(with_declared(kinds, {"badge": read_declarations(json.dumps(declared).encode(), "badge")}))


@pytest.fixture
def door(store: Store, clock: FakeClock, folk: Folk) -> Bridge:
    """A bridge that maps a code which is never shown."""
    code = {"name": "code", "description": "Opens the door.", "mutability": "writeOnly"}
    registry = badge_with(code)
    users = {"attributes": {f"{BADGE}:code": "roomNumber"}}
    return bridge_over(store, clock, f"ldif:{folk.path}", users=users, registry=registry)


async def test_what_is_never_shown_is_not_shown_by_the_bridge_either(door: Bridge, folk: Folk) -> None:
    folk.write(p1={"roomNumber": "code-1234"})
    told: list[object] = [
        await door.service.test(SYSTEM, "corp"),
        await door.service.plan(SYSTEM, "corp"),
        await door.sync(),
    ]
    assert (await door.person("p1"))[BADGE]["code"] == "code-1234"
    folk.write(p1={"roomNumber": "code-5678"})
    plan = await door.service.plan(SYSTEM, "corp")
    why = await door.service.explainer.explain(SYSTEM, "corp", "p1")
    place = f"{BADGE}:code"
    assert [change.fields for change in plan.changes] == [({"path": place, "old": HIDDEN, "new": HIDDEN},)]
    assert why.differs == [place]
    told += [plan, why, await door.lines(await door.sync())]
    assert "code-" not in str(msgspec.to_builtins(told))
    assert (await door.person("p1"))[BADGE]["code"] == "code-5678"
