"""What a filter means."""

from typing import Any

import pytest

from idp.query import (
    EVERYTHING,
    And,
    Compare,
    Field,
    Filter,
    In,
    Kind,
    Not,
    Op,
    Or,
    Present,
    Query,
    Scalar,
    Sort,
    ValuePath,
    fold,
    matches,
    normalise,
    order_key,
    sort_key,
    values_at,
)

NAME = Field(("userName",), case_exact=False)
CODE = Field(("code",))
AGE = Field(("age",), Kind.NUMBER)
ACTIVE = Field(("active",), Kind.BOOLEAN)
BORN = Field(("meta", "born"), Kind.DATETIME)
MAIL = Field(("emails", "value"), case_exact=False)
MAILS = Field(("emails",), Kind.COMPLEX, case_exact=False)
WORK = Field(("type",))
VALUE = Field(("value",), case_exact=False)
ANY = Field(("any",))

ANNA: dict[str, Any] = {
    "id": "1",
    "userName": "Anna",
    "code": "Ab",
    "age": 30,
    "active": True,
    "meta": {"born": "1994-02-01T10:00:00+01:00"},
    "emails": [{"value": "Anna@X.org", "type": "work"}, {"value": "a@home", "type": "home", "primary": True}],
    "empty": "",
    "nothing": None,
    "none": [],
    "blank": {"value": ""},
}


@pytest.mark.parametrize(
    ("field", "op", "value", "true"),
    [
        (NAME, Op.EQ, "ANNA", True),
        (CODE, Op.EQ, "ab", False),
        (CODE, Op.EQ, "Ab", True),
        (NAME, Op.NE, "anna", False),
        (NAME, Op.CO, "NN", True),
        (NAME, Op.SW, "aN", True),
        (NAME, Op.EW, "nA", True),
        (NAME, Op.CO, "", True),
        (NAME, Op.GT, "ANN", True),
        (NAME, Op.LT, "b", True),
        (NAME, Op.LE, "anna", True),
        (AGE, Op.EQ, 30.0, True),
        (AGE, Op.GT, 29.5, True),
        (AGE, Op.GE, 30, True),
        (AGE, Op.LT, 30, False),
        (AGE, Op.EQ, "30", False),
        (AGE, Op.CO, "3", False),
        (ACTIVE, Op.EQ, True, True),
        (ACTIVE, Op.NE, False, True),
        (BORN, Op.EQ, "1994-02-01T09:00:00Z", True),
        (BORN, Op.LT, "1994-02-01T09:00:00.001Z", True),
        (BORN, Op.GT, "not a moment", False),
        (BORN, Op.NE, "not a moment", True),
        (MAIL, Op.EQ, "anna@x.ORG", True),
        (MAIL, Op.NE, "anna@x.org", False),
        (MAILS, Op.EQ, "A@HOME", True),
    ],
)
def test_a_comparison_goes_by_the_fields_declaration(field: Field, op: Op, value: Scalar, true: bool) -> None:
    assert matches(Compare(field, op, value), ANNA) is true


@pytest.mark.parametrize("stored", [1, 1.0, True, "1", "true", 0, False, ""])
@pytest.mark.parametrize("wanted", [1, True, "1", "true", 0, False, ""])
def test_numbers_booleans_and_text_are_never_equal(stored: Scalar, wanted: Scalar) -> None:
    document = {"any": stored}
    same = stored == wanted and isinstance(stored, bool) == isinstance(wanted, bool)
    assert matches(Compare(ANY, Op.EQ, wanted), document) is same
    assert matches(Compare(ANY, Op.NE, wanted), document) is not same
    assert matches(In(ANY, (wanted, None)), document) is same
    if type(stored) is not type(wanted) and not {type(stored), type(wanted)} <= {int, float}:
        assert not any(matches(Compare(ANY, op, wanted), document) for op in (Op.GT, Op.GE, Op.LT, Op.LE))


@pytest.mark.parametrize("key", ["empty", "nothing", "none", "blank", "missing"])
def test_what_is_empty_is_not_present(key: str) -> None:
    field = Field((key,))
    assert not matches(Present(field), ANNA)
    assert matches(Compare(field, Op.EQ, None), ANNA)
    assert not matches(Compare(field, Op.NE, None), ANNA)
    assert not matches(Compare(field, Op.GT, None), ANNA)


@pytest.mark.parametrize("value", [False, 0, "x", {"value": False}, ["", "x"]])
def test_false_and_zero_are_present(value: Any) -> None:
    assert matches(Present(ANY), {"any": value})


def test_a_missing_value_equals_nothing_and_differs_from_everything() -> None:
    for field in (NAME, AGE, ACTIVE, BORN, MAIL):
        for op in Op:
            assert matches(Compare(field, op, "x"), {}) is (op is Op.NE)


def test_one_element_has_to_satisfy_the_whole_value_path() -> None:
    def path(*terms: Filter) -> Filter:
        return ValuePath(MAILS, And(terms))

    assert matches(path(Compare(WORK, Op.EQ, "work"), Compare(VALUE, Op.CO, "X.ORG")), ANNA)
    assert not matches(path(Compare(WORK, Op.EQ, "home"), Compare(VALUE, Op.CO, "x.org")), ANNA)
    assert matches(path(Not(Compare(WORK, Op.EQ, "work"))), ANNA)
    assert not matches(path(), {"emails": ["plain"]})


def test_and_or_and_not_are_those_of_logic() -> None:
    true, false = Present(NAME), Present(Field(("missing",)))
    assert matches(And((true, true)), ANNA)
    assert not matches(And((true, false)), ANNA)
    assert matches(Or((false, true)), ANNA)
    assert not matches(Or((false, false)), ANNA)
    assert matches(Not(false), ANNA)
    assert matches(EVERYTHING, {})
    assert not matches(Or(()), {})


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("STRASSE", "straße"),
        ("\u00c9", "e\u0301"),
        ("\uff21\uff42", "aB"),
        ("\uff76\uff9e", "\u30ac"),
        ("ΣΊΣΥΦΟΣ", "σίσυφος"),
        ("\u3000", " "),
    ],
)
def test_text_is_the_same_whatever_its_case_width_and_composition(one: str, other: str) -> None:
    assert fold(one) == fold(other)


@pytest.mark.parametrize(("one", "other"), [("é", "e"), ("o", "0"), ("i", "\u0131"), ("²", "2")])
def test_text_that_only_looks_alike_is_different(one: str, other: str) -> None:
    assert fold(one) != fold(other)


def test_lists_are_entered_wherever_they_are_met() -> None:
    document = {"a": [{"b": [1, None, [2]]}, {"b": 3}, "x", None, [{"b": 4}], {"c": 5}]}
    assert list(values_at(document, ("a", "b"))) == [1, 2, 3, 4]
    assert list(values_at(document, ("a", "b", "c"))) == []


def test_moments_of_any_year_and_offset_compare() -> None:
    for text in ("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59.999999-12:00", "2024-13-01T00:00:00Z", ""):
        assert normalise(BORN, text) is None or isinstance(normalise(BORN, text), int)
    assert normalise(BORN, "9999-12-31T23:59:59.999999Z") == 253402300799999999
    assert normalise(BORN, 5) is None


def test_the_primary_element_sorts_else_the_first() -> None:
    assert sort_key(MAIL, ANNA) == "a@home"
    assert sort_key(Field(("x", "emails", "value")), {"x": ANNA}) == "a@home"
    assert sort_key(MAIL, {"emails": [{"value": "B"}, {"value": "a"}]}) == "b"
    assert sort_key(MAIL, {"emails": [{"type": "work"}, {"value": "a"}]}) is None
    assert sort_key(MAIL, {"emails": []}) is sort_key(MAIL, {}) is None
    assert sort_key(ANY, {"any": ["b", "a"]}) == "b"


def test_sort_keys_of_any_types_have_one_order() -> None:
    keys: list[Scalar] = [None, True, False, "b", "", 2, 1.5, -3]
    assert sorted(keys, key=order_key) == [-3, 1.5, 2, "", "b", False, True, None]


def test_case_is_nothing_to_what_has_none() -> None:
    assert Field(("active",), Kind.BOOLEAN, case_exact=False) == ACTIVE
    assert Field(("code",), case_exact=False) != CODE


def test_a_query_that_makes_no_sense_is_a_bug() -> None:
    for wrong in ({"offset": -1}, {"limit": -1}, {"after": "x", "sort": Sort(NAME)}):
        with pytest.raises(ValueError, match="offset and limit"):
            Query(**wrong)
