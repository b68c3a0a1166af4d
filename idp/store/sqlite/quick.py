"""Searches cheap enough to be made on the event loop: their cost has a bound, whatever the collection's size."""

from collections.abc import Iterator
from typing import Final

from idp.query import EVERYTHING, And, Compare, Filter, In, Op, Query, matches, order_key, sort_key
from idp.store.contract import Page, Record
from idp.store.narrow import NOTHING, narrow
from idp.store.sqlite.compile import Leaf, Sql, leaf_select
from idp.store.sqlite.database import fetch
from idp.store.sqlite.find import Finder
from idp.store.sqlite.rows import Rows
from idp.store.sqlite.table import Table

# Reading, decoding and judging so many records takes about what handing them to a thread and back takes.
FEW: Final = 32
SHORT_PAGE: Final = 100

_ROW: Final = "r.id, r.version, r.expires, r.body"


def find_quickly(rows: Rows, finder: Finder, table: Table, query: Query) -> Page | None:
    """Return the page if it can be had at a bounded cost, else None."""
    narrowed, exact = narrow(query.filter, table.by_field)
    if narrowed == NOTHING:
        return Page([], 0 if query.total else None)
    if narrowed == EVERYTHING:
        return _first_page(rows, finder, table, query) if exact else None
    for leaf in _points(narrowed):
        found = _few(rows, leaf, table)
        if found is not None:
            return _page(found, query)
    return None


def _first_page(rows: Rows, finder: Finder, table: Table, query: Query) -> Page | None:
    # Expired records would have to be walked past, and nobody knows how many there are.
    if query.sort is not None or query.offset + query.limit > SHORT_PAGE or table.collection.expires:
        return None
    walk = finder.walk(table, EVERYTHING, query, _ROW)
    with rows.snapshot():
        total = finder.count(table, EVERYTHING) if query.total else None
        return Page(rows.live(fetch(rows.connection, walk.text, walk.parameters)), total)


def _points(narrowed: Filter) -> Iterator[Leaf]:
    """Yield the comparisons with single values that every match satisfies."""
    match narrowed:
        case Compare(op=Op.EQ):
            yield narrowed
        case In(values=values) if len(values) <= FEW:
            yield narrowed
        case And(terms):
            for term in terms:
                yield from _points(term)


def _few(rows: Rows, leaf: Leaf, table: Table) -> list[Record] | None:
    limited = leaf_select(leaf, table) + Sql(" LIMIT ?", (FEW + 1,))
    text = f"SELECT {_ROW} FROM ({limited.text}) AS c CROSS JOIN records AS r ON r.number = c.number"  # noqa: S608 - compiled with parameters
    found = fetch(rows.connection, text, limited.parameters)
    return rows.live(found) if len(found) <= FEW else None


def _page(found: list[Record], query: Query) -> Page:
    matching = [record for record in found if matches(query.filter, record.document)]
    sort = query.sort
    if sort is None:
        matching.sort(key=lambda record: record.id)
    else:
        matching.sort(
            key=lambda record: (order_key(sort_key(sort.field, record.document)), record.id), reverse=sort.descending
        )
    rest = [record for record in matching if query.after is None or record.id > query.after]
    return Page(rest[query.offset : query.offset + query.limit], len(matching) if query.total else None)
