"""Entity tags name versions, weakly."""

import pytest

from scim.etag import NO_VERSION, Condition, tag


def test_a_tag_names_the_version() -> None:
    assert tag(7) == 'W/"7"'


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
