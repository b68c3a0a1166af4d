"""What PATCH makes of a user: RFC 7644 section 3.5.2, and the habits of the clients that are in use."""

from copy import deepcopy
from dataclasses import replace
from typing import Any

import pytest

from idp.errors import CallerError, InvalidPath, InvalidSyntax, InvalidValue, MutabilityViolated, NoTarget, TooLarge
from idp.schema import USER, Attribute, Mutability, ResourceType, Schema, Type
from idp.schema.common import COMMON, plural
from idp.schema.urns import ENTERPRISE_USER, GATEHOUSE_USER
from scim.messages import patch_op
from scim.patch import apply
from tests.support.scim import paths_of

Document = dict[str, Any]
paths = paths_of(USER)

WORK = {"type": "work", "value": "work@example.com", "primary": True}
HOME = {"type": "home", "value": "home@example.com"}


def user(**attributes: Any) -> Document:
    return {"schemas": [USER.schema.id], "id": "1", "userName": "bjensen", **attributes}


def patched(document: Document, *operations: Document) -> Document:
    message = {"schemas": [patch_op.SCHEMA], "Operations": list(operations)}
    return apply(deepcopy(document), patch_op.read(message, paths))


def op(op: str, path: str | None = None, **value: Any) -> Document:
    return {"op": op, **({} if path is None else {"path": path}), **value}


CASES: dict[str, tuple[Document, list[Document], Document]] = {
    # --- add ---
    "add sets a simple attribute": (user(), [op("add", "title", value="Dr")], user(title="Dr")),
    "add replaces a simple attribute's value": (user(title="A"), [op("add", "title", value="B")], user(title="B")),
    "add completes a complex attribute": (
        user(name={"givenName": "B"}),
        [op("add", "name", value={"familyName": "J"})],
        user(name={"givenName": "B", "familyName": "J"}),
    ),
    "add sets a sub-attribute of what was not there": (
        user(),
        [op("add", "name.givenName", value="B")],
        user(name={"givenName": "B"}),
    ),
    "add appends to a list": (
        user(emails=[WORK]),
        [op("add", "emails", value=[HOME])],
        user(emails=[WORK, HOME]),
    ),
    "add takes one element without a list around it": (
        user(emails=[WORK]),
        [op("add", "emails", value=HOME)],
        user(emails=[WORK, HOME]),
    ),
    "add of an element that is there changes nothing": (
        user(emails=[WORK, HOME]),
        [op("add", "emails", value=[HOME])],
        user(emails=[WORK, HOME]),
    ),
    "add of a value alone that is there changes nothing": (
        user(emails=[WORK]),
        [op("add", "emails", value=[{"value": "work@example.com"}])],
        user(emails=[WORK]),
    ),
    "add of a primary element takes the place of the primary one": (
        user(emails=[WORK]),
        [op("add", "emails", value=[HOME | {"primary": True}])],
        user(emails=[WORK | {"primary": False}, HOME | {"primary": True}]),
    ),
    "add of null changes nothing": (user(title="A"), [op("add", "title", value=None)], user(title="A")),
    "add without a path merges its object": (
        user(emails=[WORK], name={"givenName": "B"}),
        [op("add", value={"emails": [HOME], "name": {"familyName": "J"}, "title": "Dr"})],
        user(emails=[WORK, HOME], name={"givenName": "B", "familyName": "J"}, title="Dr"),
    ),
    "add to selected elements completes them": (
        user(emails=[WORK, HOME]),
        [op("add", 'emails[type eq "home"]', value={"display": "H"})],
        user(emails=[WORK, HOME | {"display": "H"}]),
    ),
    "making a selected element primary makes the others not so": (
        user(emails=[WORK, HOME]),
        [op("replace", 'emails[type eq "home"].primary', value=True)],
        user(emails=[WORK | {"primary": False}, HOME | {"primary": True}]),
    ),
    # --- replace ---
    "replace sets what was not there": (user(), [op("replace", "title", value="Dr")], user(title="Dr")),
    "replace with null clears": (user(title="A"), [op("replace", "title", value=None)], user()),
    "replace of a list replaces all of it": (
        user(emails=[WORK]),
        [op("replace", "emails", value=[HOME])],
        user(emails=[HOME]),
    ),
    "replace of a list with none clears it": (user(emails=[WORK]), [op("replace", "emails", value=[])], user()),
    "replace of a complex attribute leaves what it does not name": (
        user(name={"givenName": "B", "familyName": "J"}),
        [op("replace", "name", value={"givenName": "C"})],
        user(name={"givenName": "C", "familyName": "J"}),
    ),
    "null inside a complex value clears that part": (
        user(name={"givenName": "B", "familyName": "J"}),
        [op("replace", "name", value={"givenName": None})],
        user(name={"familyName": "J"}),
    ),
    "replace without a path leaves what it does not name": (
        user(title="A", nickName="n", emails=[WORK]),
        [op("replace", value={"title": "B", "emails": [HOME]})],
        user(title="B", nickName="n", emails=[HOME]),
    ),
    "replace of selected elements replaces them": (
        user(emails=[WORK | {"display": "W"}, HOME]),
        [op("replace", 'emails[type eq "work"]', value={"type": "work", "value": "new@example.com"})],
        user(emails=[{"type": "work", "value": "new@example.com"}, HOME]),
    ),
    "a replaced element keeps what selected it": (
        user(emails=[WORK]),
        [op("replace", 'emails[type eq "work"]', value={"value": "new@example.com"})],
        user(emails=[{"type": "work", "value": "new@example.com"}]),
    ),
    "replace of a sub-attribute of selected elements": (
        user(emails=[WORK, HOME]),
        [op("replace", 'emails[type eq "home"].value', value="new@example.com")],
        user(emails=[WORK, HOME | {"value": "new@example.com"}]),
    ),
    "replace of a sub-attribute of all elements": (
        user(emails=[WORK, HOME]),
        [op("replace", "emails.display", value="d")],
        user(emails=[WORK | {"display": "d"}, HOME | {"display": "d"}]),
    ),
    "a whole extension is completed": (
        user(**{ENTERPRISE_USER: {"department": "d", "costCenter": "c"}}),
        [op("replace", ENTERPRISE_USER, value={"department": "e", "manager": {"value": "9"}})],
        user(**{ENTERPRISE_USER: {"department": "e", "costCenter": "c", "manager": {"value": "9"}}}),
    ),
    # --- remove ---
    "remove clears a simple attribute": (user(title="A"), [op("remove", "title")], user()),
    "remove of what is not there changes nothing": (user(), [op("remove", "title")], user()),
    "remove clears a complex attribute": (user(name={"givenName": "B"}), [op("remove", "name")], user()),
    "remove of the last part clears the whole": (
        user(name={"givenName": "B"}),
        [op("remove", "name.givenName")],
        user(),
    ),
    "remove clears a list": (user(emails=[WORK]), [op("remove", "emails")], user()),
    "remove of selected elements": (
        user(emails=[WORK, HOME]),
        [op("remove", 'emails[type eq "work"]')],
        user(emails=[HOME]),
    ),
    "remove of the only element clears the list": (
        user(emails=[WORK]),
        [op("remove", 'emails[type eq "work"]')],
        user(),
    ),
    "remove where the filter finds nothing changes nothing": (
        user(emails=[WORK]),
        [op("remove", 'emails[type eq "other"]')],
        user(emails=[WORK]),
    ),
    "remove of a sub-attribute of selected elements": (
        user(emails=[WORK, HOME]),
        [op("remove", 'emails[type eq "work"].primary')],
        user(emails=[{"type": "work", "value": "work@example.com"}, HOME]),
    ),
    "remove of the value takes the element with it": (
        user(emails=[WORK, HOME]),
        [op("remove", 'emails[type eq "work"].value')],
        user(emails=[HOME]),
    ),
    "remove of the last attribute of an extension": (
        user(**{ENTERPRISE_USER: {"department": "d"}}),
        [op("remove", f"{ENTERPRISE_USER}:department")],
        user(),
    ),
    "remove of a whole extension": (
        user(**{ENTERPRISE_USER: {"department": "d"}}),
        [op("remove", ENTERPRISE_USER)],
        user(),
    ),
    # --- the operations together ---
    "operations are carried out in their order": (
        user(),
        [op("add", "title", value="A"), op("remove", "title"), op("add", "title", value="B")],
        user(title="B"),
    ),
    "a later operation sees what an earlier one did": (
        user(),
        [op("add", "emails", value=[HOME]), op("replace", 'emails[type eq "home"].display', value="H")],
        user(emails=[HOME | {"display": "H"}]),
    ),
    # --- Entra ID ---
    "operations are capitalised": (user(title="A"), [op("Replace", "title", value="B")], user(title="B")),
    "booleans come as text": (user(active=True), [op("Replace", "active", value="False")], user(active=False)),
    "replacing the value of an address that is not there makes it": (
        user(),
        [op("Replace", 'emails[type eq "work"].value', value="w@example.com")],
        user(emails=[{"type": "work", "value": "w@example.com"}]),
    ),
    "adding one does too, with all that the filter says": (
        user(emails=[HOME]),
        [op("Add", 'emails[type eq "work" and primary eq true].value', value="w@example.com")],
        user(emails=[HOME, {"type": "work", "primary": True, "value": "w@example.com"}]),
    ),
    "names inside paths are in any case": (
        user(),
        [op("Add", 'addresses[type eq "other"].Formatted', value="Room 1")],
        user(addresses=[{"type": "other", "formatted": "Room 1"}]),
    ),
    "keys of a value without a path are paths": (
        user(name={"givenName": "B"}),
        [
            op(
                "replace",
                value={
                    "name.familyName": "J",
                    f"{ENTERPRISE_USER}:employeeNumber": "42",
                    'emails[type eq "work"].value': "w@example.com",
                },
            )
        ],
        user(
            name={"givenName": "B", "familyName": "J"},
            emails=[{"type": "work", "value": "w@example.com"}],
            **{ENTERPRISE_USER: {"employeeNumber": "42"}},
        ),
    ),
    "a manager is a bare string": (
        user(),
        [op("Add", f"{ENTERPRISE_USER}:manager", value="9")],
        user(**{ENTERPRISE_USER: {"manager": {"value": "9"}}}),
    ),
    "the manager's path is joined with a dot": (
        user(),
        [op("Add", f"{ENTERPRISE_USER}.manager", value="9")],
        user(**{ENTERPRISE_USER: {"manager": {"value": "9"}}}),
    ),
    "a manager is a list of one": (
        user(),
        [op("Add", f"{ENTERPRISE_USER}:manager", value=[{"$ref": "../Users/9", "value": "9"}])],
        user(**{ENTERPRISE_USER: {"manager": {"value": "9"}}}),
    ),
    "an empty manager is none": (
        user(**{ENTERPRISE_USER: {"manager": {"value": "9"}}}),
        [op("Replace", f"{ENTERPRISE_USER}:manager", value="")],
        user(),
    ),
    "remove names the values to go": (
        user(emails=[WORK, HOME]),
        [op("Remove", "emails", value=[{"value": "home@example.com"}])],
        user(emails=[WORK]),
    ),
    # --- Okta ---
    "readOnly attributes of a value without a path are passed over": (
        user(title="A"),
        [op("replace", value={"id": "2", "schemas": [], "meta": {"version": "x"}, "title": "B"})],
        user(title="B"),
    ),
    "unknown attributes of a value without a path are passed over": (
        user(),
        [op("replace", value={"madeUp": 1, "made.up": 2, "urn:made:up:x": 3, "title": "B"})],
        user(title="B"),
    ),
    "an empty path is none": (user(), [op("replace", "", value={"title": "B"})], user(title="B")),
    "readOnly parts that a key of a value without a path leads to are passed over": (
        user(),
        [op("replace", value={f"{ENTERPRISE_USER}:manager.displayName": "x", "groups.value": "1", "title": "B"})],
        user(title="B"),
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_patch(case: str) -> None:
    before, operations, after = CASES[case]
    assert patched(before, *operations) == after


def test_the_document_given_is_not_touched() -> None:
    before = user(emails=[dict(WORK)], name={"givenName": "B"}, **{ENTERPRISE_USER: {"department": "d"}})
    patched(
        before,
        op("replace", 'emails[type eq "work"].value', value="x"),
        op("add", "emails", value=[HOME | {"primary": True}]),
        op("replace", "name.givenName", value="C"),
        op("remove", f"{ENTERPRISE_USER}:department"),
    )
    assert before == user(emails=[WORK], name={"givenName": "B"}, **{ENTERPRISE_USER: {"department": "d"}})


def test_a_password_is_handed_on_and_never_looked_at() -> None:
    assert patched(user(), op("replace", "password", value="correct horse"))["password"] == "correct horse"
    assert patched(user(), op("remove", "password")) == user()


REFUSED: dict[str, tuple[list[Document], type[CallerError], str]] = {
    "no operations": ([], InvalidSyntax, "Operations"),
    "an operation that is none": ([op("move", "title", value="x")], InvalidSyntax, "'move'"),
    "an operation without op": ([{"path": "title"}], InvalidSyntax, "None"),
    "a path that is no text": ([{"op": "add", "path": 1, "value": 2}], InvalidPath, "expected a string"),
    "add without a value": ([op("add", "title")], InvalidValue, "needs a value"),
    "replace without a value": ([op("replace", "title")], InvalidValue, "needs a value"),
    "remove without a path": ([op("remove")], NoTarget, "remove needs one"),
    "a value without a path that is no object": ([op("add", value="x")], InvalidValue, "needs an object"),
    "an unknown path": ([op("add", "madeUp", value="x")], InvalidPath, "madeUp"),
    "a readOnly attribute": ([op("replace", "id", value="2")], MutabilityViolated, "readOnly"),
    "removing a readOnly attribute": ([op("remove", "id")], MutabilityViolated, "readOnly"),
    "a readOnly complex attribute": ([op("replace", "meta", value={"version": "1"})], MutabilityViolated, "readOnly"),
    "a readOnly sub-attribute": ([op("replace", "meta.version", value="1")], MutabilityViolated, "readOnly"),
    "a readOnly list": ([op("add", "groups", value=[{"value": "1"}])], MutabilityViolated, "readOnly"),
    "a readOnly attribute's own value": ([op("replace", "id", value="1")], MutabilityViolated, "readOnly"),
    "a readOnly list's replacement": (
        [op("replace", "groups", value=[{"value": "1"}])],
        MutabilityViolated,
        "readOnly",
    ),
    "nothing for a readOnly list": ([op("replace", "groups", value=[])], MutabilityViolated, "readOnly"),
    "removing a readOnly list": ([op("remove", "groups")], MutabilityViolated, "readOnly"),
    "removing of a readOnly list": ([op("remove", "groups", value=[{"value": "1"}])], MutabilityViolated, "readOnly"),
    "a part of a readOnly list": ([op("remove", "groups.value")], MutabilityViolated, "readOnly"),
    "a part that is readOnly": (
        [op("remove", f"{ENTERPRISE_USER}:manager.displayName")],
        MutabilityViolated,
        "readOnly",
    ),
    "selected elements of a readOnly list": ([op("remove", 'groups[value eq "1"]')], MutabilityViolated, "readOnly"),
    "a role": ([op("replace", f"{GATEHOUSE_USER}:role", value="root")], MutabilityViolated, "readOnly"),
    "removing a required attribute": ([op("remove", "userName")], MutabilityViolated, "required"),
    "removing what always has a value": ([op("remove", "active")], MutabilityViolated, "required"),
    "clearing a required attribute": ([op("replace", "userName", value=None)], MutabilityViolated, "required"),
    "a boolean that is none": ([op("replace", "active", value="perhaps")], InvalidValue, "true or false"),
    "text for an object": ([op("replace", "name", value="x")], InvalidValue, "expected an object"),
    "a number for a list": ([op("add", "emails", value=[1])], InvalidValue, "expected"),
    "an object for text": ([op("add", "title", value={})], InvalidValue, "expected a string"),
    "several values for one": ([op("add", 'emails[type eq "x"]', value=[{}, {}])], InvalidValue, "one value"),
    "a filter that describes nobody": ([op("replace", 'emails[value co "x"].type', value="x")], NoTarget, "matches"),
    "too many operations": ([op("add", "title", value="x")] * 1_001, TooLarge, "operations"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_an_operation_that_cannot_be_carried_out_is_refused_with_the_reason(case: str) -> None:
    operations, error, reason = REFUSED[case]
    with pytest.raises(error, match=reason):
        patched(user(title="t", active=True, meta={"resourceType": "User"}), *operations)


_PLACE = Attribute("place", type=Type.COMPLEX, mutability=Mutability.IMMUTABLE, sub_attributes=(Attribute("room"),))
_PARTS = replace(plural("parts", "", Attribute("value")), mutability=Mutability.IMMUTABLE)
GIVEN_ONCE = ResourceType("Thing", "things", "/Things", "", Schema("urn:x", "Thing", "", (_PARTS, _PLACE)), COMMON)


@pytest.mark.parametrize(
    "operation",
    [
        op("replace", 'parts[value eq "a"].type', value="x"),
        op("remove", 'parts[value eq "a"]'),
        op("replace", "parts.type", value="x"),
        op("replace", "place.room", value="2"),
        op("remove", "place.room"),
    ],
)
def test_what_is_given_once_is_not_changed_in_part_either(operation: Document) -> None:
    once = paths_of(GIVEN_ONCE)
    given = {"parts": [{"value": "a"}], "place": {"room": "1"}}
    with pytest.raises(MutabilityViolated, match="immutable"):
        apply(given, patch_op.read({"Operations": [operation]}, once))
    whole = [op("add", "place.room", value="1"), op("add", 'parts[value eq "a"].value', value="a")]
    assert apply(given, patch_op.read({"Operations": whole}, once)) == given
    assert apply({}, patch_op.read({"Operations": whole}, once)) == given


def test_the_work_of_one_patch_is_limited() -> None:
    many = user(emails=[{"value": f"{n}@example.com"} for n in range(1_000)])
    with pytest.raises(TooLarge, match="values that the operations go through"):
        patched(many, *[op("remove", f'emails[value eq "{n}@nowhere"]') for n in range(60)])


@pytest.mark.parametrize("schemas", [["urn:other"], "text", []])
def test_a_message_that_says_it_is_another_is_refused(schemas: object) -> None:
    with pytest.raises(InvalidSyntax, match="PatchOp"):
        patch_op.read({"schemas": schemas, "Operations": [op("add", "title", value="x")]}, paths)


def test_names_in_the_message_are_in_any_case() -> None:
    message = {"operations": [{"OP": "add", "Path": "title", "Value": "x"}]}
    assert apply(user(), patch_op.read(message, paths)) == user(title="x")
