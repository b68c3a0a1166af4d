"""A directory's section maps to attributes that the settings declare."""

from pathlib import Path

import pytest

from idp.errors import ConfigError
from idp.schema import Registry, default_registry, read_declarations, with_declared
from ldap_bridge.mapping import Mapper
from ldap_bridge.settings import parse

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
