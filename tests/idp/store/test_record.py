"""A record that is kept as JSON text behaves as one whose document is at hand."""

from typing import Any

import msgspec
import pytest

from idp.store.contract import Record

DOCUMENT: dict[str, Any] = {
    "id": "1",
    "name": {"familyName": "Łęcka"},
    "tags": ["a", "b"],
    "meta": {"born": "2026-01-01"},
}


@pytest.fixture(params=("text", "document"))
def record(request: pytest.FixtureRequest) -> Record:
    """The same record, in either form."""
    return Record("1", 3, text=msgspec.json.encode(DOCUMENT)) if request.param == "text" else Record("1", 3, DOCUMENT)


def test_the_document_is_the_very_same_every_time(record: Record) -> None:
    assert record.document == DOCUMENT
    assert record.document is record.document


def test_an_outline_can_be_looked_into_where_that_was_asked_for(record: Record) -> None:
    outline = record.outline(("meta", "missing"))
    assert outline["meta"] == {"born": "2026-01-01"}
    assert list(outline) == list(DOCUMENT)


@pytest.mark.parametrize("looked", [False, True])
def test_an_outline_is_encoded_as_the_document_is(record: Record, *, looked: bool) -> None:
    assert not looked or record.document
    assert msgspec.json.encode(record.outline(("name",))) == msgspec.json.encode(DOCUMENT)


def test_what_is_done_to_an_outline_leaves_the_record_alone(record: Record) -> None:
    record.outline(())["id"] = "2"
    assert record.outline(("id",))["id"] == "1"
    assert record.document == DOCUMENT


def test_a_copy_has_a_document_of_its_own(record: Record) -> None:
    copies = [record.copy(), record.copy()]
    for one in copies:
        one.document["tags"].append("c")
    assert copies == [Record("1", 3, {**DOCUMENT, "tags": ["a", "b", "c"]})] * 2
    assert record.document == DOCUMENT


def test_records_are_equal_by_what_they_hold_in_whatever_form(record: Record) -> None:
    assert record == Record("1", 3, DOCUMENT)
    assert hash(record) == hash(Record("1", 3, DOCUMENT))
    assert record not in (Record("1", 4, DOCUMENT), Record("2", 3, DOCUMENT), Record("1", 3, {"id": "1"}), "1")
