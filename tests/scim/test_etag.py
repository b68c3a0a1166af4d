"""Entity tags name versions, weakly."""

import pytest

from scim.etag import NO_VERSION, Condition, mark_of, tag


def test_a_tag_names_the_version() -> None:
    assert tag(7) == 'W/"7"'


def test_a_tag_has_a_mark_of_what_was_derived_if_anything_was() -> None:
    marks = [mark_of([{"value": "g", "display": name}], manager) for name in "ab" for manager in (None, "m")]
    assert len({tag(7, mark) for mark in marks}) == 4
    assert tag(7, mark_of([{"value": "g", "display": "a"}], None)) == tag(7, marks[0])
    assert tag(7, mark_of([], None)) == tag(7)


def test_a_reader_knows_exactly_one_representation_and_a_writer_the_version() -> None:
    condition = Condition('"7.0a", W/"8"')
    assert [known for known in ('W/"7.0a"', 'W/"7"', 'W/"8"', 'W/"8.0a"') if condition.names(known)] == [
        'W/"7.0a"',
        'W/"8"',
    ]
    assert [condition.matches(version) for version in (7, 8, 9)] == [True, True, False]
    assert Condition('W/"7.0a"').version == 7
    assert Condition('W/"7.x"').version == NO_VERSION


@pytest.mark.parametrize("header", ['W/"7"', '"7"', ' W/"7" ', 'W/"6", W/"7"', '"x","7"', "*", " * "])
def test_a_header_matches_when_one_of_its_tags_does(header: str) -> None:
    assert Condition(header).matches(7)


@pytest.mark.parametrize("header", ['W/"8"', '"77"', "7", "", '"', 'W/"7', "W/7", '"x"', '"07"', '"*"'])
def test_any_other_header_does_not(header: str) -> None:
    assert not Condition(header).matches(7)


@pytest.mark.parametrize(
    ("header", "version"),
    [('W/"7"', 7), ('"7"', 7), ('"x"', 0), ('"-7"', 0), ('"²"', 0), ('"1", "2"', None), ("*", None), ('"07"', 0)],
)
def test_a_single_tag_says_which_version_is_expected(header: str, version: int | None) -> None:
    assert Condition(header).version == version


@pytest.mark.parametrize("header", ["garbage", "", '"'])
def test_a_header_without_a_tag_expects_a_version_that_no_resource_has(header: str) -> None:
    assert Condition(header).version == NO_VERSION
