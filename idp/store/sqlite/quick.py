"""Searches cheap enough to be made on the event loop: their cost has a bound, whatever the collection's size."""

from collections.abc import Iterator, Sequence, Set
from functools import cache
from typing import Final

from idp.query import (
    EVERYTHING,
    And,
    Compare,
    Field,
    Filter,
    In,
    Kind,
    Op,
    Query,
    Scalar,
    judged,
    matches,
    normalise,
)
from idp.store.contract import Page, Record
from idp.store.narrow import NOTHING, is_storable, narrow
from idp.store.places import Rank, is_within, order_of, rank
from idp.store.sqlite.compile import Leaf, Sql, leaf_select
from idp.store.sqlite.database import fetch
from idp.store.sqlite.find import Finder
from idp.store.sqlite.rows import Rows
from idp.store.sqlite.table import Table, Value, encoded

# Reading, decoding and judging so many records takes about what handing them to a thread and back takes.
MANY: Final = 128
# A hundred, and the one more that tells a page by cursor whether it is the last.
SHORT_PAGE: Final = 101
# Records that a thread may hold at once, all of them, to put them in order.
_SEVERAL: Final = 2_000

_ROW: Final = "r.id, r.version, r.expires, r.body"


@cache
def _holding(count: int) -> str:
    marks = ", ".join("?" * count)
    return (
        f"SELECT {_ROW} FROM keys AS k CROSS JOIN records AS r ON r.number = k.record"  # noqa: S608 - constant names
        f" WHERE k.field = ? AND k.value IN ({marks}) LIMIT ?"
    )


def find_quickly(rows: Rows, finder: Finder, table: Table, query: Query) -> Page | None:
    """Return the page if it can be had at a bounded cost, else None."""
    match query.filter:
        case Compare(field, Op.EQ, value) if value is not None and field in table.by_field:
            return _among(rows, table, field, (value,), query)
        case In(field, values) if len(values) <= MANY and field in table.by_field and _has_one(field, table):
            return _among(rows, table, field, values, query)
    narrowed, exact = narrow(query.filter, table.by_field)
    if narrowed == NOTHING:
        return Page([], 0 if query.total else None)
    if narrowed == EVERYTHING:
        return _first_page(rows, finder, table, query) if exact else None
    for leaf in _points(narrowed):
        found = _few(rows, leaf, table)
        if found is not None:
            return _page([record for record in found if _fits(query.filter, record)], query)
    return None


def _fits(filter: Filter, record: Record) -> bool:
    return matches(filter, judged(record.document, record.version))


def find_among(rows: Rows, table: Table, query: Query) -> Page | None:
    """Return the page if an index alone says who is wanted and they are not too many, else None; for a thread."""
    match query.filter:
        case In(field, values) if field in table.by_field and _has_one(field, table):
            return _among(rows, table, field, values, query, _SEVERAL)
    return None


def _has_one(field: Field, table: Table) -> bool:
    return field not in table.collection.lists


def _among(
    rows: Rows, table: Table, field: Field, values: Sequence[Scalar], query: Query, most: int = MANY
) -> Page | None:
    """Answer the commonest of searches: an index alone says who has one of these values."""
    keys = _keys(field, values)
    found = fetch(rows.connection, _holding(len(keys)), (table.by_field[field], *keys, most + 1)) if keys else []
    return _page(rows.live(found), query) if len(found) <= most else None


def _keys(field: Field, values: Sequence[Scalar]) -> Set[Value]:
    if field.kind is Kind.STRING and field.case_exact and all(type(one) is str and one.isascii() for one in values):
        return {one for one in values if type(one) is str}
    wanted = (normalise(field, value) for value in values)
    return {encoded(key) for key in wanted if key is not None and is_storable(key)}


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
        case In(values=values) if len(values) <= MANY:
            yield narrowed
        case And(terms):
            for term in terms:
                yield from _points(term)


def _few(rows: Rows, leaf: Leaf, table: Table) -> list[Record] | None:
    limited = leaf_select(leaf, table) + Sql(" LIMIT ?", (MANY + 1,))
    text = f"SELECT {_ROW} FROM ({limited.text}) AS c CROSS JOIN records AS r ON r.number = c.number"  # noqa: S608 - compiled with parameters
    found = fetch(rows.connection, text, limited.parameters)
    return rows.live(found) if len(found) <= MANY else None


def _page(found: list[Record], query: Query) -> Page:
    order = order_of(query)
    if query.sort is None and query.after is None:
        found.sort(key=lambda record: record.id)
        rest = found
    else:
        placed = [(rank(order, judged(one.document, one.version)), one) for one in found]
        placed.sort(key=_by_rank, reverse=order.descending)
        rest = [record for place, record in placed if is_within(query, place)]
    return Page(rest[query.offset : query.offset + query.limit], len(found) if query.total else None)


def _by_rank(placed: tuple[Rank, Record]) -> Rank:
    return placed[0]
