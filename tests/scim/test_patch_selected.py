"""What PATCH does behind a filter on what is not a list of objects: on one object, and on a list of simple values."""

from typing import Any

import pytest

from idp.errors import CallerError, InvalidFilter, InvalidValue, MutabilityViolated, NoTarget
from idp.schema import USER
from idp.schema.urns import ENTERPRISE_USER
from scim.messages import patch_op
from scim.patch import apply
from scim.profiles import profile_named
from tests.support.declared import BADGE, REGISTRY
from tests.support.scim import BASE, paths_of

Document = dict[str, Any]
MANAGER = f"{ENTERPRISE_USER}:manager"
DEVICE = REGISTRY.resource_types["Device"]


def op(op: str, path: str, **value: Any) -> Document:
    return {"op": op, "path": path, **value}


def managed(*operations: Document, manager: Any = None) -> Any:
    """Return whose manager it is after these operations, the manager before being `boss` unless another is given."""
    before = {"id": "1", ENTERPRISE_USER: {"manager": manager or {"value": "boss"}}}
    after = apply(before, patch_op.read({"Operations": list(operations)}, paths_of(USER)))
    return after.get(ENTERPRISE_USER, {}).get("manager")


def tagged(*operations: Document, profile: str = "standard", tags: tuple[str, ...] = ("red", "Blue", "green")) -> Any:
    """Return the tags of a device after these operations."""
    before = {"id": "1", "serialNumber": "s", **({"tags": list(tags)} if tags else {})}
    message = {"schemas": [patch_op.SCHEMA], "Operations": list(operations)}
    read = patch_op.read(message, paths_of(DEVICE), profile_named(profile))
    return apply(before, read).get("tags")


BY_REFERENCE = f'{MANAGER}[$ref eq "{BASE}/Users/boss"]'
BY_ANOTHER = f'{MANAGER}[$ref eq "{BASE}/Users/another"]'


@pytest.mark.parametrize(
    ("operation", "manager"),
    [
        (op("remove", f'{MANAGER}[value eq "boss"]'), None),
        (op("remove", BY_REFERENCE), None),
        (op("remove", f"{BY_REFERENCE}.value"), None),
        (op("replace", BY_REFERENCE, value={"value": "new"}), {"value": "new"}),
        (op("replace", f"{BY_REFERENCE}.value", value="new"), {"value": "new"}),
        (op("add", f"{MANAGER}[$ref pr]", value={"value": "new"}), {"value": "new"}),
        # Who is not there cannot be taken away.
        (op("remove", BY_ANOTHER), {"value": "boss"}),
        (op("remove", f'{MANAGER}[not ($ref ew "boss")]'), {"value": "boss"}),
    ],
)
def test_one_object_is_changed_where_the_filter_fits_it(operation: Document, manager: Document | None) -> None:
    assert managed(operation) == manager


def test_one_object_that_the_filter_does_not_fit_gets_no_other_beside_it() -> None:
    for operation in (op("replace", BY_ANOTHER, value={"value": "new"}), op("add", f"{BY_ANOTHER}.value", value="x")):
        with pytest.raises(NoTarget):
            managed(operation)


def test_an_object_that_is_not_there_is_made_as_the_filter_describes_it() -> None:
    named = [op("replace", 'name[familyName eq "Lovelace"].givenName', value="Ada")]
    read = patch_op.read({"Operations": named}, paths_of(USER))
    assert apply({"id": "1"}, read) == {"id": "1", "name": {"familyName": "Lovelace", "givenName": "Ada"}}


@pytest.mark.parametrize(
    ("operation", "tags"),
    [
        (op("remove", 'tags[value eq "RED"]'), ["Blue", "green"]),
        (op("remove", 'tags[value eq "red"].value'), ["Blue", "green"]),
        (op("remove", 'tags[value co "e"]'), None),
        (op("remove", 'tags[not (value sw "b")]'), ["Blue"]),
        (op("remove", 'tags[value eq "none"]'), ["red", "Blue", "green"]),
        (op("replace", 'tags[value eq "blue"]', value="violet"), ["red", "violet", "green"]),
        (op("replace", 'tags[value eq "blue"]', value=["violet"]), ["red", "violet", "green"]),
        (op("add", 'tags[value eq "blue"].value', value="violet"), ["red", "violet", "green"]),
        (op("replace", 'tags[value ne "red"]', value="x"), ["red", "x"]),
        (op("replace", 'tags[value eq "blue"]', value="red"), ["red", "green"]),
        (op("replace", 'tags[value eq "none"]', value="x"), ["red", "Blue", "green", "x"]),
        (op("replace", 'tags[value eq "red"]', value=None), ["Blue", "green"]),
    ],
)
def test_simple_values_are_changed_one_by_one(operation: Document, tags: list[str] | None) -> None:
    assert tagged(operation) == tags


def test_the_first_simple_value_may_be_made_behind_a_filter() -> None:
    assert tagged(op("add", 'tags[value eq "red"]', value="red"), tags=()) == ["red"]


@pytest.mark.parametrize(
    ("operation", "profile", "error"),
    [
        (op("replace", 'tags[value co "x"]', value="y"), "standard", NoTarget),
        (op("replace", 'tags[value eq "none"]', value="y"), "strict", NoTarget),
        (op("remove", 'tags[value eq "none"]'), "strict", NoTarget),
        (op("replace", 'tags[value eq "red"]', value={"value": "y"}), "strict", InvalidValue),
        (op("replace", 'tags[value eq "red"]', value=["y", "z"]), "standard", InvalidValue),
        (op("remove", 'tags[type eq "x"]'), "standard", InvalidFilter),
        (op("remove", "tags[value eq 1]"), "standard", InvalidFilter),
    ],
)
def test_simple_values_are_not_changed_by_what_makes_no_sense(
    operation: Document, profile: str, error: type[CallerError]
) -> None:
    with pytest.raises(error):
        tagged(operation, profile=profile)


def test_numbers_of_an_extension_are_values_too() -> None:
    user = REGISTRY.resource_types["User"]
    read = patch_op.read({"Operations": [op("remove", f"{BADGE}:floors[value gt 1]")]}, paths_of(user))
    assert apply({"id": "1", BADGE: {"floors": [1, 2, 3]}}, read) == {"id": "1", BADGE: {"floors": [1]}}


def test_a_readonly_list_is_not_changed_by_way_of_its_references() -> None:
    for path in ("groups[$ref pr]", f'groups[$ref eq "{BASE}/Groups/x"].value'):
        with pytest.raises(MutabilityViolated):
            patch_op.read({"Operations": [op("remove", path)]}, paths_of(USER))
