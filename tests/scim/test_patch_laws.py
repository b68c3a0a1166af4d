"""What holds for every PATCH, whatever the document and the operations."""

import json
from contextlib import suppress
from copy import deepcopy
from random import Random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from idp.directory.documents import changed
from idp.errors import CallerError
from idp.schema import USER, validate
from idp.schema.urns import ENTERPRISE_USER
from scim.messages import patch_op
from scim.patch import apply
from tests.support.scim import paths_of

Document = dict[str, Any]
paths = paths_of(USER)

text = st.sampled_from(["a", "b", "c", 'q"]', "é"])
kind = st.sampled_from(["work", "home", "other"])
element = st.fixed_dictionaries({"value": text}, optional={"type": kind, "display": text})
documents = st.fixed_dictionaries(
    {"schemas": st.just([USER.schema.id]), "id": st.just("1"), "userName": text},
    optional={
        "title": text,
        "active": st.booleans(),
        "name": st.fixed_dictionaries({"givenName": text}, optional={"familyName": text}),
        "emails": st.lists(element, min_size=1, max_size=3, unique_by=lambda e: (e["value"], e.get("type"))),
        ENTERPRISE_USER: st.fixed_dictionaries({"department": text}, optional={"manager": st.just({"value": "9"})}),
    },
)
simple = st.sampled_from(["title", "nickName", "name.givenName", f"{ENTERPRISE_USER}:department", "displayName"])
selected = st.builds(lambda k, sub: f'emails[type eq "{k}"]{sub}', kind, st.sampled_from([".value", ".display"]))
list_values = st.lists(element, min_size=1, max_size=2)


def operation(op: str, path: str | None = None, **value: Any) -> Document:
    return {"op": op, **({} if path is None else {"path": path}), **value}


writes = (
    st.builds(lambda op, path, v: operation(op, path, value=v), st.sampled_from(["add", "replace"]), simple, text)
    | st.builds(lambda op, path, v: operation(op, path, value=v), st.sampled_from(["add", "replace"]), selected, text)
    | st.builds(lambda op, v: operation(op, "emails", value=v), st.sampled_from(["add", "replace"]), list_values)
    | st.builds(lambda v: operation("replace", value=v), documents)
)
writes_to_emails = st.builds(lambda v: operation("replace", "emails", value=v), list_values) | st.builds(
    lambda k, v: operation("add", f'emails[type eq "{k}"].display', value=v), kind, text
)
removals = st.builds(lambda path: operation("remove", path), simple | selected | st.just("emails"))
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["value", "type", "x"]), inner),
)
wild = st.builds(
    lambda op, path, v: operation(op, path, value=v),
    st.sampled_from(["add", "replace", "remove", "Add"]),
    simple
    | selected
    | st.sampled_from(["emails", "name", "id", "meta", "groups", ENTERPRISE_USER, "userName", "active"]),
    anything,
)


def patched(document: Document, *operations: Document) -> Document:
    return apply(deepcopy(document), patch_op.read({"Operations": list(operations)}, paths))


@given(documents, st.lists(writes | removals | wild, min_size=1, max_size=4))
def test_the_document_stays_as_it_is_and_the_same_operations_may_run_again(
    document: Document, operations: list[Document]
) -> None:
    document["meta"] = {"resourceType": "User"}
    before = deepcopy(document)
    with suppress(CallerError):
        read = patch_op.read({"Operations": operations}, paths)
        once: Any = None
        with suppress(CallerError):
            once = deepcopy(changed(USER, before, apply(before, read)))
        assert before == document
        with suppress(CallerError):
            assert changed(USER, before, apply(before, read)) == once


@given(documents, writes)
def test_a_write_done_twice_is_a_write_done_once(document: Document, write: Document) -> None:
    once = patched(document, write)
    assert patched(once, write) == once


@given(documents, removals)
def test_a_removal_done_twice_is_a_removal_done_once(document: Document, removal: Document) -> None:
    once = patched(document, removal)
    assert patched(once, removal) == once


@given(documents, simple, text)
def test_what_was_set_is_there_and_what_was_removed_is_not(document: Document, path: str, value: str) -> None:
    written = patched(document, operation("replace", path, value=value))
    assert json.dumps(value) in json.dumps(written)
    assert patched(written, operation("remove", path)) == patched(document, operation("remove", path))


@given(documents, element)
def test_adding_an_element_and_taking_it_away_leaves_the_others(document: Document, new: Document) -> None:
    new = new | {"value": "new@example.com"}
    added = patched(document, operation("add", "emails", value=[new]))
    assert added["emails"] == [*document.get("emails", []), new]
    assert patched(added, operation("remove", 'emails[value eq "new@example.com"]')) == document


@given(documents, st.lists(writes | removals, min_size=2, max_size=4))
def test_operations_in_one_message_do_what_they_do_one_by_one(document: Document, operations: list[Document]) -> None:
    one_by_one = document
    for each in operations:
        one_by_one = patched(one_by_one, each)
    assert patched(document, *operations) == one_by_one


# Each changes something else than the others do, so that it is all the same which comes first.
independent = st.fixed_dictionaries(
    {},
    optional={
        "title": st.builds(lambda v: operation("replace", "title", value=v), text)
        | st.just(operation("remove", "title")),
        "name": st.builds(lambda v: operation("add", value={"name": {"familyName": v}}), text),
        "givenName": st.builds(lambda v: operation("replace", "name.givenName", value=v), text),
        "department": st.builds(lambda v: operation("add", f"{ENTERPRISE_USER}:department", value=v), text),
        "manager": st.just(operation("remove", f"{ENTERPRISE_USER}:manager")),
        "active": st.builds(lambda v: operation("replace", "active", value=v), st.booleans()),
        "emails": writes_to_emails,
    },
).map(lambda found: list(found.values()))


@given(documents, independent.flatmap(st.permutations), st.randoms(use_true_random=False))
def test_operations_that_have_nothing_to_do_with_each_other_come_in_any_order(
    document: Document, operations: list[Document], dice: Random
) -> None:
    if operations:
        assert patched(document, *operations) == patched(document, *dice.sample(operations, len(operations)))


@given(documents, st.lists(writes | removals, max_size=4))
def test_the_result_is_a_valid_user(document: Document, operations: list[Document]) -> None:
    result = patched(document, *operations) if operations else document
    canonical = validate(USER, result, creating=False)
    assert {key: value for key, value in result.items() if key not in ("schemas", "id")} == {
        key: value for key, value in canonical.items() if key != "schemas"
    }


@given(documents, st.lists(wild, min_size=1, max_size=4))
def test_whatever_is_sent_is_carried_out_or_refused(document: Document, operations: list[Document]) -> None:
    with suppress(CallerError):
        patched(document, *operations)
