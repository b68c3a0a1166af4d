"""Lists whose state stands in their address."""

import pytest
from yarl import URL

from idp.query import EVERYTHING, Compare, Field, Op, Or, Sort
from idp.web.console.listing import PAGE_SIZE, Columns, Listing, listing

NAME, LOGIN = Field(("displayName",)), Field(("userName",))
COLUMNS = Columns(sortable={"name": NAME, "login": LOGIN}, searched=[NAME, LOGIN])
NEWEST = Columns(sortable={"at": NAME}, descending=True)


def asked(**query: str) -> Listing:
    return listing("/admin/users", COLUMNS, query)


def parameters(address: str) -> dict[str, str]:
    return dict(URL(address).query)


def test_without_anything_asked_it_is_the_first_page_in_the_usual_order() -> None:
    query = asked().query()
    assert (query.filter, query.sort, query.offset, query.limit) == (EVERYTHING, Sort(NAME), 0, PAGE_SIZE)


def test_a_search_looks_into_every_searched_field() -> None:
    assert asked(q="  ann ").query().filter == Or((Compare(NAME, Op.CO, "ann"), Compare(LOGIN, Op.CO, "ann")))


def test_a_list_without_searched_fields_ignores_a_search() -> None:
    assert listing("/admin/events", NEWEST, {"q": "ann"}).query().filter == EVERYTHING


def test_order_and_page_are_taken_from_the_address() -> None:
    query = asked(sort="login", order="desc", page="3").query()
    assert (query.sort, query.offset) == (Sort(LOGIN, descending=True), 2 * PAGE_SIZE)


@pytest.mark.parametrize("page", ["0", "-1", "x", "", "1e3", "٣", "9" * 50])
def test_a_page_that_makes_no_sense_is_the_first(page: str) -> None:
    assert asked(page=page).page == 1


def test_an_unknown_column_is_the_usual_order() -> None:
    assert asked(sort="password").query().sort == Sort(NAME)


def test_turning_a_page_keeps_search_and_order() -> None:
    address = asked(q="a&b=ü", sort="login", order="desc", page="2").at(3)
    assert parameters(address) == {"q": "a&b=ü", "sort": "login", "order": "desc", "page": "3"}


def test_the_usual_state_has_the_plain_address() -> None:
    assert asked(page="4").at(1) == "/admin/users"


def test_pressing_a_head_sorts_by_it_from_the_first_page_and_pressing_again_turns_the_order_round() -> None:
    assert parameters(asked(page="4").sorted_by("login")) == {"sort": "login"}
    assert parameters(asked(sort="login").sorted_by("login")) == {"sort": "login", "order": "desc"}
    assert parameters(asked(sort="login", order="desc").sorted_by("login")) == {"sort": "login"}


def test_a_list_that_is_newest_first_says_so_only_when_turned_round() -> None:
    newest = listing("/admin/events", NEWEST, {})
    assert (newest.descending, newest.at(2)) == (True, "/admin/events?page=2")
    assert parameters(newest.sorted_by("at")) == {"order": "asc"}


def test_it_counts_its_rows_and_pages() -> None:
    shown = asked(page="3").shown(["row"] * 7, 2 * PAGE_SIZE + 7)
    assert (shown.first, shown.last, shown.pages) == (2 * PAGE_SIZE + 1, 2 * PAGE_SIZE + 7, 3)
