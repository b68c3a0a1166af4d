"""Schemas and resource types out of an administrator's file, and what is wrong with files that are not right."""

import json
from pathlib import Path
from typing import Any

import pytest

from idp.errors import ConfigError
from idp.schema import GROUP, USER, Mutability, ResourceType, Returned, Type, read_declarations, with_declared

EXAMPLE = Path("config/schemas/devices.json")
BADGE = "urn:example:params:scim:schemas:extension:2.0:Badge"
CORE = "urn:x-test:Thing"


def kinds_of(declared: Any) -> dict[str, ResourceType]:
    text = declared if isinstance(declared, bytes) else json.dumps(declared).encode()
    found = with_declared([USER, GROUP], {"things.json": read_declarations(text, "things.json")})
    return {kind.name: kind for kind in found}


def thing(*attributes: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A file with one schema and one resource type of it."""
    kind = {"name": "Thing", "endpoint": "/Things", "schema": CORE}
    schema = {"id": CORE, "attributes": list(attributes or [{"name": "a"}])}
    return {"schemas": [schema], "resourceTypes": [kind]} | more


def test_the_example_declares_a_resource_type_and_an_extension_of_people() -> None:
    kinds = kinds_of(EXAMPLE.read_bytes())
    device = kinds["Device"]
    assert (device.endpoint, [extension.required for extension in device.extensions]) == ("/Devices", [True])
    assert {target.attribute.type for target in device.targets()} == set(Type)
    assert device.resolve("owner.VALUE").attribute.indexed
    assert kinds["User"].resolve(f"{BADGE}:number").attribute.case_exact
    assert kinds["User"].extensions[:-1] == USER.extensions
    assert kinds["Group"] is GROUP


def test_what_can_only_be_written_is_never_shown_unless_the_file_contradicts() -> None:
    secret = {"name": "pin", "mutability": "writeOnly"}
    pin = kinds_of(thing(secret))["Thing"].resolve("pin").attribute
    assert (pin.mutability, pin.returned) == (Mutability.WRITE_ONLY, Returned.NEVER)


def test_a_schema_as_the_endpoint_shows_it_is_taken_with_its_frame() -> None:
    frame = {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:Schema"], "meta": {"resourceType": "Schema"}}
    schema = {"id": CORE, "name": "Thing", "attributes": [{"name": "a"}], **frame}
    assert kinds_of(thing() | {"schemas": [schema]})["Thing"].schema.name == "Thing"


WRONG: dict[str, tuple[Any, str]] = {
    "not JSON": (b"{", "truncated"),
    "a wrong key": (thing({"name": "a", "multivalued": True}), "multivalued"),
    "a wrong type": (thing({"name": "a", "type": "text"}), "attributes"),
    "a wrong name": (thing({"name": "a b"}), "name"),
    "a wrong URN": ({"schemas": [{"id": "thing", "attributes": [{"name": "a"}]}]}, "id"),
    "no attributes": ({"schemas": [{"id": CORE, "attributes": []}]}, "attributes"),
    "twice the same name": (thing({"name": "a"}, {"name": "A"}), "more than once"),
    "complex without parts": (thing({"name": "a", "type": "complex"}), "sub-attributes"),
    "parts of what is simple": (thing({"name": "a", "subAttributes": [{"name": "b"}]}), "sub-attributes"),
    "complex in complex": (
        thing(
            {
                "name": "a",
                "type": "complex",
                "subAttributes": [{"name": "b", "type": "complex", "subAttributes": [{"name": "c"}]}],
            }
        ),
        "cannot be complex",
    ),
    "an index over objects": (
        thing({"name": "a", "type": "complex", "indexed": True, "subAttributes": [{"name": "b"}]}),
        "neither indexed nor unique",
    ),
    "unique booleans": (thing({"name": "a", "type": "boolean", "uniqueness": "server"}), "two booleans"),
    "writable and shown": (thing({"name": "a", "mutability": "writeOnly", "returned": "always"}), "never returned"),
    "required and unwritable": (thing({"name": "a", "mutability": "readOnly", "required": True}), "cannot be required"),
    "an attribute that all have": (thing({"name": "externalId"}), "every resource has"),
    "a schema of ours": ({"schemas": [{"id": USER.schema.id, "attributes": [{"name": "a"}]}]}, "declared already"),
    "an unknown schema": ({"extensions": [{"resourceType": "User", "schema": CORE}]}, "no schema"),
    "an extension twice": (
        thing(extensions=[{"resourceType": "User", "schema": CORE}] * 2),
        "already",
    ),
    "an extension of something else": ({"extensions": [{"resourceType": "Robot", "schema": CORE}]}, "resourceType"),
    "a taken name": (
        thing(resourceTypes=[{"name": "user", "endpoint": "/Things", "schema": CORE}]),
        "taken by User",
    ),
    "a taken endpoint": (
        thing(resourceTypes=[{"name": "Thing", "endpoint": "/groups", "schema": CORE}]),
        "taken by Group",
    ),
    "an endpoint of the protocol": (
        thing(resourceTypes=[{"name": "Thing", "endpoint": "/Bulk", "schema": CORE}]),
        "protocol's own",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_file_is_refused_with_its_name_and_the_place(case: str) -> None:
    declared, told = WRONG[case]
    with pytest.raises(ConfigError) as caught:
        kinds_of(declared)
    assert caught.value.key == "scim.schemas"
    assert "things.json" in caught.value.reason
    assert told in caught.value.reason
