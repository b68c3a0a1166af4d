"""What to look for is the same, whether it stands in the query or in a body."""

from typing import Any

import pytest
from multidict import MultiDict

from idp.errors import InvalidFilter, InvalidSyntax, InvalidValue
from scim.messages.search_request import SCHEMA, SearchRequest, from_body, from_query


def query(**given: str) -> SearchRequest:
    return from_query(MultiDict(given))


def test_nothing_asked_for_leaves_everything_to_the_server() -> None:
    assert query() == SearchRequest()
    assert from_body({"schemas": [SCHEMA]}) == SearchRequest()


def test_query_and_body_say_the_same() -> None:
    wanted = SearchRequest("title pr", "userName", True, 11, 5, ("userName", "name.givenName"))
    assert wanted == query(
        filter="title pr",
        sortBy="userName",
        sortOrder="Descending",
        startIndex="11",
        count="5",
        attributes="userName, name.givenName,",
    )
    assert wanted == from_body(
        {
            "filter": "title pr",
            "sortby": "userName",
            "SortOrder": "descending",
            "startIndex": 11,
            "count": 5,
            "attributes": ["userName", "name.givenName"],
        }
    )


def test_parameters_are_read_in_any_case_as_names_in_a_body_are() -> None:
    assert query(FILTER="title pr", sortby="id", COUNT="3") == SearchRequest("title pr", "id", count=3)
    with pytest.raises(InvalidFilter, match="two filters"):
        query(filter="title pr", Filter="id pr")


@pytest.mark.parametrize(
    ("start", "count", "wanted"),
    [
        ("0", "0", (1, 0)),
        ("-5", "-1", (1, 0)),
        ("1", "", (1, None)),
        ("", "7", (1, 7)),
        ("+3", "7", (3, 7)),
        ("9" * 18, "9" * 18, (2**53, 2**53)),
    ],
)
def test_odd_pages_are_read_as_the_rfc_says(start: str, count: str, wanted: tuple[int, int | None]) -> None:
    found = query(startIndex=start, count=count)
    assert (found.start_index, found.count) == wanted


@pytest.mark.parametrize(
    "given",
    [
        {"count": "many"},
        {"count": "1.5"},
        {"startIndex": "0x1"},
        {"startIndex": "+-1"},
        {"startIndex": "9" * 5_000},
        {"count": "²"},
        {"sortOrder": "sideways"},
    ],
)
def test_parameters_that_are_no_numbers_or_orders_are_refused_by_name(given: dict[str, str]) -> None:
    with pytest.raises(InvalidValue, match=next(iter(given))):
        query(**given)


@pytest.mark.parametrize(
    "given",
    [
        {"count": True},
        {"count": 1.5},
        {"count": []},
        {"filter": 1},
        {"sortBy": {}},
        {"attributes": [1]},
        {"attributes": 1},
        {"excludedAttributes": {"a": 1}},
    ],
)
def test_fields_of_the_wrong_type_are_refused_by_name(given: dict[str, Any]) -> None:
    with pytest.raises(InvalidValue, match=next(iter(given))):
        from_body(given)


def test_two_filters_are_none() -> None:
    with pytest.raises(InvalidFilter, match="two filters"):
        from_query(MultiDict([("filter", "title pr"), ("filter", "nickName pr")]))


def test_a_body_that_says_it_is_another_message_is_refused() -> None:
    with pytest.raises(InvalidSyntax, match="SearchRequest"):
        from_body({"schemas": ["urn:other"], "filter": "title pr"})
