"""What stores index: the quick readers find what the plain ones find, whatever a document holds."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from idp.errors import InvalidValue
from idp.query import Document, Field, Kind, fold, order_key
from idp.store.columns import Columns
from idp.store.keys import field_keys, key_reader, unique_reader, unique_values

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 3),
    st.sampled_from(
        [1.0, 2**70, "", "Ada", "ADA", "\uff21da", "Stra\u00dfe", "2026-01-01T00:00:00Z", "2026-01-01T01:00:00+01:00"]
    ),
)
ELEMENTS = st.fixed_dictionaries({}, optional={"value": SCALARS, "primary": st.booleans(), "type": SCALARS})
VALUES = st.one_of(SCALARS, ELEMENTS, st.lists(st.one_of(SCALARS, ELEMENTS), max_size=4))
DOCUMENTS = st.fixed_dictionaries(
    {}, optional={"name": VALUES, "emails": VALUES, "meta": st.fixed_dictionaries({}, optional={"born": VALUES})}
)
FIELDS = [
    Field(path, kind, case_exact)
    for path in (("name",), ("emails", "value"), ("meta", "born"))
    for kind in Kind
    for case_exact in (True, False)
]


def keys_or_error(read: Any, *given: Any, **named: Any) -> Any:
    try:
        return read(*given, **named)
    except InvalidValue as error:
        return str(error)


def told_apart(keys: Any) -> Any:
    """True is 1 to Python; to an index it is not."""
    return keys if isinstance(keys, str) else ([order_key(key) for key in keys[0]], order_key(keys[1]))


@settings(max_examples=150, deadline=None)
@given(DOCUMENTS)
@pytest.mark.parametrize("is_list", [True, False])
def test_a_quick_reader_finds_what_the_plain_one_finds(is_list: bool, document: Document) -> None:
    for field in FIELDS:
        quick = keys_or_error(key_reader(field, is_list=is_list), document)
        assert told_apart(quick) == told_apart(keys_or_error(field_keys, field, document, is_list=is_list))


@settings(max_examples=150, deadline=None)
@given(DOCUMENTS)
def test_a_quick_reader_finds_the_unique_values_too(document: Document) -> None:
    for field in FIELDS:
        quick, plain = keys_or_error(unique_reader(field), document), keys_or_error(unique_values, field, document)
        assert told_apart((quick, None) if isinstance(quick, tuple) else quick) == told_apart(
            (plain, None) if isinstance(plain, tuple) else plain
        )


@settings(max_examples=150, deadline=None)
@given(st.lists(DOCUMENTS, max_size=4))
def test_a_column_holds_what_the_readers_find_document_by_document(documents: list[Document]) -> None:
    for field in FIELDS:
        read = key_reader(field, is_list=False)
        found = keys_or_error(Columns(documents).of, field)
        if isinstance(found, list):
            assert [order_key(key) for key in found] == [order_key(read(document)[1]) for document in documents]
        elif found is not None:
            assert found in [keys_or_error(read, document) for document in documents]


def test_a_column_is_not_for_documents_of_mixed_forms() -> None:
    field = Field(("meta", "born"), Kind.STRING)
    forms: list[list[Document]] = [[{"meta": []}], [{"meta": {"born": "a"}}, {"meta": {"born": 1}}]]
    assert [Columns(form).of(field) for form in forms] == [None, None]


@pytest.mark.parametrize(
    "values", [["B", None, "C"], ["A\x00B", None, "c"], [None, "A\x00B"], ["Ä", "B"], ["", "A"], [""]]
)
def test_a_column_of_text_is_folded_text_by_text(values: list[str | None]) -> None:
    field = Field(("name",), Kind.STRING, case_exact=False)
    documents: list[Document] = [{"name": value} for value in values]
    assert Columns(documents).of(field) == [None if value is None else fold(value) for value in values]
