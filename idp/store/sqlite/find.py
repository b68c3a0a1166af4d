"""Searches on one connection, in memory that does not grow with what is searched."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache
from itertools import islice
from typing import Any, Final

import apsw

from idp.errors import TooLarge
from idp.query import EVERYTHING, VERSION, And, Compare, Field, Filter, Not, Op, Query, matches
from idp.store.bodies import decode_body
from idp.store.contract import Page
from idp.store.narrow import ID, NOTHING, is_indexed, narrow
from idp.store.places import BY_ID, Places, order_of, start_of
from idp.store.sqlite.compile import (
    Cost,
    Leaf,
    Side,
    Sql,
    Way,
    condition,
    driver,
    expense,
    is_pointed,
    leaf_count,
    leaf_select,
    names_id,
    spanned,
    test,
)
from idp.store.sqlite.database import fetch
from idp.store.sqlite.rows import Rows
from idp.store.sqlite.table import Table, encoded

# An estimate of how many keys a comparison selects counts no further than this, which takes less than a millisecond.
_PROBE: Final = 20_000
# From so many candidates on, walking in order until the page is full is tried instead of reading them all.
_MANY: Final = 1_000
# What a match costs that is found by its keys, in steps of SQLite's machine: to put its id in order, or to decode it.
_COLLECTING: Final = 40
_GATHERING: Final = 300
# Matches may stand so much farther apart in one place than in all.
_UNEVEN: Final = 4
_MOST_EFFORT: Final = 2**31 - 1

# More than any probe finds, and less than what needs no index at all.
_WHOLE_INDEX: Final = 1e9

_JUDGED: Final = "r.body, r.version"

_AMOUNT: Final = "SELECT amount FROM collections WHERE number = ?"
_EXPIRED: Final = "SELECT count(*) FROM records WHERE collection = ? AND expires <= ?"


class Finder:
    """Answers queries; run it inside a transaction, so that page and total agree."""

    def __init__(self, rows: Rows, max_scan: int) -> None:
        self._rows = rows
        self._connection = rows.connection
        self._max_scan = max_scan

    def find(self, table: Table, query: Query) -> Page:
        """Return the page the query asks for."""
        narrowed, exact = narrow(query.filter, table.by_field)
        if not exact or not is_indexed(order_of(query).field, table.by_field):
            return self._gathered(table, narrowed, query, exact=exact)
        total = self._count(table, narrowed) if query.total else None
        likely = expense(narrowed, table, self._estimate(table)) if total is None else total
        if not likely or not query.limit:
            return Page([], total)
        bounds, rest = _split(narrowed, order_of(query).field, table)
        if not all(map(is_pointed, rest)):
            ids = self._walked(table, And(rest), query, bounds, likely)
            if ids is not None:
                return self._page(table, ids, total)
        walk = self.walk(table, And(rest), query, along=bounds)
        by_id = order_of(query).field == ID
        effort = int(min(likely * (_COLLECTING if by_id else _GATHERING), _MOST_EFFORT))
        rows = self._within(walk, effort if rest else None)
        if rows is None and not by_id:
            return self._gathered(table, narrowed, query, exact=True)
        if rows is None:
            collected = self._collected(table, narrowed, query)
            rows = fetch(self._connection, collected.text, collected.parameters)
        return self._page(table, [key for (key,) in rows], total)

    def count(self, table: Table, filter: Filter) -> int:
        """Return how many records match."""
        narrowed, exact = narrow(filter, table.by_field)
        if exact:
            return self._count(table, narrowed)
        return sum(1 for _ in self._judged(self._candidates(table, narrowed), filter))

    def walk(self, table: Table, narrowed: Filter, query: Query, what: str = "r.id", along: Sequence[Way] = ()) -> Sql:
        """Return a select that goes along the order's index, testing each record, and stops after the page.

        Conditions `along` the order's own field bound the way instead of testing what stands on it.
        """
        order = order_of(query)
        where = Sql(" AND ") + test(narrowed, table) + self._rows.still_live(table)
        where += beyond(query)
        column, way = "r.id" if order.field == ID else "s.value", "DESC" if order.descending else "ASC"
        begun = None if start_of(query) is None else Side.UPPER if order.descending else Side.LOWER
        for leaf in along:
            where += Sql(" AND ") + condition(leaf, column, begun)
        if order.field == ID:
            start = Sql(f"SELECT {what} FROM records AS r WHERE r.collection = ?", (table.number,))  # noqa: S608 - constant names
            end = f" ORDER BY r.id {way}"
        else:
            start = Sql(
                f"SELECT {what} FROM keys AS s CROSS JOIN records AS r ON r.number = s.record"  # noqa: S608 - constant names
                " WHERE s.field = ? AND s.leads",
                (table.by_field[order.field],),
            )
            end = f" ORDER BY s.value {way}, r.id {way}"
        return start + where + end + Sql(" LIMIT ? OFFSET ?", (query.limit, query.offset))

    def _walked(
        self, table: Table, rest: Filter, query: Query, along: Sequence[Way], likely: float
    ) -> list[str] | None:
        """Return the ids of the page by reading one record after the other, in order, until it is full.

        None when matches stand too far apart for that: all of them are found by their keys at less cost.
        """
        wanted = query.offset + query.limit
        apart = self._amount(table) / likely
        most = min(int(wanted * apart * _UNEVEN) + _MANY, self._max_scan)
        if most > likely:
            return None
        walk = self.walk(table, EVERYTHING, replace(query, offset=0, limit=most), _JUDGED, along)
        judged = self._judged(walk, rest)
        found = [document["id"] for document in islice(judged, wanted)]
        return found[query.offset :] if len(found) == wanted else None

    def _within(self, select: Sql, effort: int | None) -> list[tuple[str]] | None:
        """Return the rows, or None when finding them takes more than so many of SQLite's steps.

        Nobody can tell beforehand how far apart matches stand along an order.
        """
        if effort is None:
            return fetch(self._connection, select.text, select.parameters)
        gave_up = False

        def give_up() -> bool:
            nonlocal gave_up
            gave_up = True
            return True

        self._connection.set_progress_handler(give_up, effort)
        try:
            return fetch(self._connection, select.text, select.parameters)
        except apsw.InterruptError:
            if not gave_up:
                raise
            return None
        finally:
            self._connection.set_progress_handler(None)

    def _collected(self, table: Table, narrowed: Filter, query: Query) -> Sql:
        """Return a select of the page's ids that finds all matches first and then orders them."""
        way = "DESC" if order_of(query).descending else "ASC"
        page = Sql(f" ORDER BY r.id {way} LIMIT ? OFFSET ?", (query.limit, query.offset))
        return self._candidates(table, narrowed, "r.id") + beyond(query) + page

    # --- counting ---

    def _amount(self, table: Table) -> int:
        amount: int = self._connection.execute(_AMOUNT, (table.number,)).get
        if table.collection.expires:
            amount -= self._connection.execute(_EXPIRED, (table.number, self._rows.now())).get
        return amount

    def _count(self, table: Table, narrowed: Filter) -> int:
        match narrowed:
            case _ if narrowed == EVERYTHING:
                return self._amount(table)
            case _ if narrowed == NOTHING:
                return 0
            case Not(term):
                return self._amount(table) - self._count(table, term)
        if isinstance(narrowed, Leaf) and not table.collection.expires:
            select = leaf_count(narrowed, table)
        else:
            select = self._candidates(table, narrowed, "count(*)")
        found: int = self._connection.execute(select.text, select.parameters).get
        return found

    # --- candidates, and their judgement ---

    def _estimate(self, table: Table) -> Cost:
        @cache
        def cost(leaf: Way) -> float:
            if isinstance(leaf, Compare) and leaf.op in (Op.CO, Op.EW):
                return _WHOLE_INDEX
            limited = Sql("SELECT count(*) FROM (") + leaf_select(leaf, table) + Sql(" LIMIT ?)", (_PROBE,))
            found: int = self._connection.execute(limited.text, limited.parameters).get
            return found

        return cost

    def _candidates(self, table: Table, narrowed: Filter, what: str = _JUDGED) -> Sql:
        """Return a select of the records that the narrowed filter leaves, by the cheapest way to find them."""
        best = driver(narrowed, table, self._estimate(table))
        if best is None:
            start = Sql(f"SELECT {what} FROM records AS r WHERE r.collection = ?", (table.number,))  # noqa: S608 - constant names
            return start + " AND " + test(narrowed, table) + self._rows.still_live(table)
        start = Sql("SELECT ") + what + " FROM (" + best.select  # noqa: S608 - constant names
        if what == "count(*)" and not table.collection.expires and not names_id(best.residual):
            return start + ") AS r WHERE " + test(best.residual, table)
        start += ") AS c CROSS JOIN records AS r ON r.number = c.number WHERE "
        return start + test(best.residual, table) + self._rows.still_live(table)

    def _judged(self, select: Sql, filter: Filter) -> Iterator[dict[str, Any]]:
        """Yield the documents of those candidates that satisfy the filter."""
        rows: Any = self._connection.execute(select.text, select.parameters)
        for read, (body, version) in enumerate(rows, 1):
            if read > self._max_scan:
                raise TooLarge("the number of records to read for this query", self._max_scan)
            document = decode_body(body)
            document[VERSION.name] = version
            if matches(filter, document):
                yield document

    def _gathered(self, table: Table, narrowed: Filter, query: Query, *, exact: bool) -> Page:
        """Answer by reading all candidates; only places in the order are kept, and only as many as the page needs."""
        remaining = EVERYTHING if exact else query.filter
        if self._may_stop_early(table, narrowed, query):
            walk = self.walk(table, narrowed, replace(query, offset=0, limit=self._max_scan + 1), _JUDGED)
            found = islice(self._judged(walk, remaining), query.offset, query.offset + query.limit)
            return self._page(table, [document["id"] for document in found], None)
        places = Places(query)
        for document in self._judged(self._candidates(table, narrowed), remaining):
            places.add(document)
        return self._page(table, places.page(), places.total if query.total else None)

    def _page(self, table: Table, ids: list[str], total: int | None) -> Page:
        return Page(list(self._rows.get_many(table, ids).values()), total)

    def _may_stop_early(self, table: Table, narrowed: Filter, query: Query) -> bool:
        if query.total or order_of(query) != BY_ID:
            return False
        return expense(narrowed, table, self._estimate(table)) >= _MANY


def beyond(query: Query) -> Sql:
    """Return the condition that a record comes after the place where the page begins, to go after others."""
    order, start = order_of(query), start_of(query)
    if start is None:
        return Sql("")
    sign = "<" if order.descending else ">"
    if order.field == ID:
        return Sql(f" AND r.id {sign} ?", (start.id,))
    key = encoded(start.key)
    # The first condition is what the index is entered by.
    return Sql(f" AND s.value {sign}= ? AND (s.value {sign} ? OR r.id {sign} ?)", (key, key, start.id))


def _split(narrowed: Filter, field: Field, table: Table) -> tuple[list[Way], tuple[Filter, ...]]:
    """Part the terms that all have to hold into those that bound a walk along the field, and the others."""
    terms = narrowed.terms if isinstance(narrowed, And) else (narrowed,)
    if field in table.collection.lists:
        return [], terms
    bounds = [term for term in terms if isinstance(term, Leaf) and term.field == field]
    ways = [way for way in spanned(bounds, table) if isinstance(way, Way)]
    return ways, tuple(term for term in terms if term not in bounds)
