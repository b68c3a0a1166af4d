"""What PATCH makes of values from before their attribute was declared as something else."""

from contextlib import suppress
from itertools import product
from typing import Any

import pytest

from idp.directory.documents import changed
from idp.errors import CallerError
from idp.schema import ResourceType
from scim.messages import patch_op
from scim.patch import apply
from tests.support.declared import DEVICE, registry
from tests.support.scim import paths_of

Document = dict[str, Any]

PARTS = [{"name": name, "type": "string"} for name in ("value", "colour")]
SHAPES: dict[str, Document] = {
    "text": {"type": "string"},
    "texts": {"type": "string", "multiValued": True},
    "number": {"type": "integer"},
    "object": {"type": "complex", "subAttributes": PARTS},
    "objects": {"type": "complex", "multiValued": True, "subAttributes": PARTS},
}
VALUES: dict[str, Any] = {
    "text": "a",
    "texts": ["a", "b"],
    "number": 5,
    "object": {"value": "a", "colour": "red"},
    "objects": [{"value": "a", "colour": "red"}, {"value": "b"}],
}
ADD_B = {"op": "add", "path": "label", "value": {"value": "b"}}
COLOUR = {"op": "add", "path": "label.colour", "value": "red"}
PATHS = ("label", "label.value", "label.colour", 'label[value eq "a"]', 'label[value eq "a"].colour')


def declared(shape: str) -> ResourceType:
    """Return devices with a label of this shape."""

    def add(content: dict[str, Any]) -> None:
        content["schemas"][0]["attributes"].append({"name": "label", "description": "A label.", **SHAPES[shape]})

    return registry(add).resource_types["Device"]


def patched(kind: ResourceType, stored: Any, *operations: Document) -> Any:
    """Return the label of a device after these operations, as the service would store it."""
    before = {"schemas": [DEVICE], "id": "1", "serialNumber": "s", "label": stored}
    message = {"schemas": [patch_op.SCHEMA], "Operations": list(operations)}
    return apply(before, patch_op.read(message, paths_of(kind))).get("label")


@pytest.mark.parametrize(
    ("shape", "stored", "operation", "label"),
    [
        ("texts", "a", {"op": "add", "path": "label", "value": ["b"]}, ["a", "b"]),
        ("texts", 5, {"op": "remove", "path": "label"}, None),
        ("text", ["a", "b"], {"op": "add", "path": "label", "value": "c"}, "c"),
        ("object", ["a"], COLOUR, {"colour": "red"}),
        ("object", "a", {"op": "replace", "path": "label", "value": {"value": "b"}}, {"value": "b"}),
        ("object", [{"value": "a"}], COLOUR, {"value": "a", "colour": "red"}),
        ("objects", ["a"], ADD_B, [{"value": "b"}]),
        ("objects", {"value": "a"}, ADD_B, [{"value": "a"}, {"value": "b"}]),
        ("objects", {"value": "a"}, {"op": "remove", "path": 'label[value eq "a"]'}, None),
    ],
)
def test_an_operation_goes_on_from_what_still_has_the_declared_shape(
    shape: str, stored: Any, operation: Document, label: Any
) -> None:
    assert patched(declared(shape), stored, operation) == label


def test_an_attribute_that_no_operation_is_about_stays_as_it_is() -> None:
    assert patched(declared("object"), ["a"], {"op": "add", "path": "displayName", "value": "x"}) == ["a"]


@pytest.mark.parametrize("shape", SHAPES)
def test_every_operation_is_carried_out_or_refused_whatever_is_stored(shape: str) -> None:
    kind = declared(shape)
    for stored, op, path, value in product(VALUES.values(), ("add", "replace", "remove"), PATHS, VALUES.values()):
        with suppress(CallerError):
            label = patched(kind, stored, {"op": op, "path": path, "value": value})
            changed(kind, {"schemas": [DEVICE], "id": "1"}, {"schemas": [DEVICE], "id": "1", "label": label})
