"""A list whose search, order and page stand in its address, so that it can be bookmarked and sent around. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final
from urllib.parse import urlencode

from idp.query import EVERYTHING, Compare, Field, Filter, Op, Or, Query, Sort

PAGE_SIZE: Final = 25
_LONGEST_SEARCH: Final = 100
# Deeper pages are reached by searching; an offset costs a store as many records as it skips.
_LAST_PAGE: Final = 4000


@dataclass(frozen=True, slots=True)
class Columns:
    """What a list can be sorted by, and which fields a search looks into; the first column is the usual order."""

    sortable: Mapping[str, Field]
    searched: Sequence[Field] = ()
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Listing:
    """What was asked for; with `shown`, also what was found."""

    path: str
    columns: Columns
    text: str
    sort: str
    descending: bool
    page: int
    rows: Sequence[Any] = field(default_factory=tuple)
    total: int = 0

    def query(self) -> Query:
        """Return what to ask the service."""
        order = Sort(self.columns.sortable[self.sort], self.descending)
        return Query(self._filter(), order, offset=(self.page - 1) * PAGE_SIZE, limit=PAGE_SIZE)

    def shown(self, rows: Sequence[Any], total: int | None) -> "Listing":
        """Return the list with what was found."""
        return replace(self, rows=rows, total=total or 0)

    @property
    def default_sort(self) -> str:
        """The usual order."""
        return next(iter(self.columns.sortable))

    @property
    def pages(self) -> int:
        """How many pages there are to turn."""
        return min(-(-self.total // PAGE_SIZE), _LAST_PAGE)

    @property
    def first(self) -> int:
        """The number of the first row."""
        return (self.page - 1) * PAGE_SIZE + 1

    @property
    def last(self) -> int:
        """The number of the last row."""
        return self.first + len(self.rows) - 1

    def at(self, page: int) -> str:
        """Return the address of another page."""
        return self._address(page=page)

    def sorted_by(self, key: str) -> str:
        """Return the address with another order; a second press on the same head turns it round."""
        return self._address(sort=key, descending=key == self.sort and not self.descending)

    def _filter(self) -> Filter:
        if not self.text:
            return EVERYTHING
        return Or(tuple(Compare(each, Op.CO, self.text) for each in self.columns.searched))

    def _address(self, *, page: int = 1, sort: str | None = None, descending: bool | None = None) -> str:
        sort = self.sort if sort is None else sort
        descending = self.descending if descending is None else descending
        asked = {
            "q": self.text,
            "sort": sort if sort != self.default_sort else "",
            "order": "" if descending == self.columns.descending else "desc" if descending else "asc",
            "page": str(page) if page > 1 else "",
        }
        rest = urlencode({key: value for key, value in asked.items() if value})
        return f"{self.path}?{rest}" if rest else self.path


def listing(path: str, columns: Columns, asked: Mapping[str, str]) -> Listing:
    """Read an address; what it says that makes no sense counts as not said."""
    sort, order, page = asked.get("sort", ""), asked.get("order", ""), asked.get("page", "")
    return Listing(
        path=path,
        columns=columns,
        text=asked.get("q", "").strip()[:_LONGEST_SEARCH] if columns.searched else "",
        sort=sort if sort in columns.sortable else next(iter(columns.sortable)),
        descending=order == "desc" if order in ("asc", "desc") else columns.descending,
        page=min(max(1, int(page)), _LAST_PAGE) if page.isascii() and page.isdigit() and len(page) < 7 else 1,
    )
