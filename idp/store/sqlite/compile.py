"""From a narrowed filter to SQL: a test of one record, or a select that drives the search."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from math import inf
from typing import Final

from idp.query import EVERYTHING, And, Compare, Field, Filter, In, Not, Op, Or, Present, Scalar, ValuePath, normalise
from idp.store.narrow import ID
from idp.store.sqlite.table import ABSENT, AFTER_BOOLEANS, FALSE, Table, Value, encoded


@dataclass(frozen=True, slots=True)
class Sql:
    """A piece of SQL and the parameters of its question marks."""

    text: str
    parameters: tuple[Value, ...] = ()

    def __add__(self, other: "Sql | str") -> "Sql":
        other = Sql(other) if isinstance(other, str) else other
        return Sql(self.text + other.text, self.parameters + other.parameters)


@dataclass(frozen=True, slots=True)
class Driver:
    """A select of record numbers that finds every match, each once, and the test that remains to be made."""

    select: Sql
    residual: Filter


@dataclass(frozen=True, slots=True)
class Span:
    """Comparisons that all have to hold of a field with one value: what satisfies them stands together in its index."""

    field: Field
    terms: tuple[Compare, ...]


class Side(Enum):
    """Where a range is bounded."""

    LOWER = 1
    UPPER = 2


Leaf = Compare | In | Present
Way = Leaf | Span
"""What leads to records through one index."""
Cost = Callable[[Way], float]

_FROM: Final = {Op.GT: ">", Op.GE: ">=", Op.SW: ">="}
_TO: Final = {Op.LT: "<", Op.LE: "<=", Op.SW: "<"}


def test(filter: Filter, table: Table) -> Sql:
    """Return the filter as a condition on a row `r` of records."""
    match filter:
        case Compare(field=field) | In(field=field) | Present(field=field) if field == ID:
            return condition(filter, "r.id")
        case Compare(field, Op.EQ, value):
            # As one look-up in the key table: a list of all that equal could be as long as the collection.
            text = "EXISTS (SELECT 1 FROM keys WHERE field = ? AND value = ? AND record = r.number)"
            return Sql(text, (table.by_field[field], encoded(normalise(field, value))))
        case Compare() | In() | Present():
            return Sql("+r.number IN (") + leaf_select(filter, table) + ")"
        case And(terms):
            return _joined([test(term, table) for term in terms], " AND ", "1")
        case Or(terms):
            return Sql("(") + _joined([test(term, table) for term in terms], " OR ", "0") + ")"
        case Not(term):
            return Sql("NOT (") + test(term, table) + ")"
        case ValuePath():
            raise TypeError("narrowed filters have no value paths")


def is_pointed(filter: Filter) -> bool:
    """Tell whether the filter's test takes a few look-ups; what asks for a range lists all that is in it."""
    match filter:
        case And(terms) | Or(terms):
            return all(map(is_pointed, terms))
        case Not(term):
            return is_pointed(term)
        case Compare(op=op):
            return op is Op.EQ or filter.field == ID
        case _:
            return filter.field == ID


def names_id(filter: Filter) -> bool:
    """Tell whether the filter's test needs the record's id beside its number."""
    match filter:
        case And(terms) | Or(terms):
            return any(map(names_id, terms))
        case Not(term):
            return names_id(term)
        case _:
            return filter.field == ID


def driver(filter: Filter, table: Table, cost: Cost) -> Driver | None:
    """Return the cheapest select that finds every match, or None when only a walk over all records does."""
    match filter:
        case Compare() | In() | Present():
            return Driver(leaf_select(filter, table), EVERYTHING)
        case And(terms):
            best = min(spanned(terms, table), key=lambda term: expense(term, table, cost), default=EVERYTHING)
            if isinstance(best, Span):
                return Driver(leaf_select(best, table), And(tuple(term for term in terms if term not in best.terms)))
            found = None if best == filter else driver(best, table, cost)
            rest = tuple(term for term in terms if term is not best)
            return found and Driver(found.select, And((found.residual, *rest)))
        case Or(terms):
            found_all = [driver(term, table, cost) for term in terms]
            selects = [found.select for found in found_all if found]
            return Driver(_joined(selects, " UNION ", ""), filter) if selects and len(selects) == len(terms) else None
        case _:
            return None


def expense(filter: Filter | Span, table: Table, cost: Cost) -> float:
    """Return about how many keys a driver of this filter reads."""
    match filter:
        case Compare() | In() | Present() | Span():
            return cost(filter)
        case And(terms):
            return min((expense(term, table, cost) for term in spanned(terms, table)), default=inf)
        case Or(terms):
            return sum(expense(term, table, cost) for term in terms)
        case _:
            return inf


def spanned(terms: Sequence[Filter], table: Table) -> list[Filter | Span]:
    """Return terms that all have to hold, with those made one that bound the same single value among the same keys."""
    bounds: dict[tuple[Field, Value], list[Compare]] = defaultdict(list)
    others: list[Filter | Span] = []
    for term in terms:
        if isinstance(term, Compare) and _bounds_single_value(term, table):
            first, _ = _bounds(normalise(term.field, term.value))
            bounds[term.field, first].append(term)
        else:
            others.append(term)
    spans = (Span(field, tuple(some)) if len(some) > 1 else some[0] for (field, _), some in bounds.items())
    return [*others, *spans]


def _bounds_single_value(term: Compare, table: Table) -> bool:
    is_range = term.op in _FROM or term.op in _TO
    return is_range and (term.field in table.by_field or term.field == ID) and term.field not in table.collection.lists


def leaf_select(leaf: Way, table: Table) -> Sql:
    """Return a select of the `number`s of the records that satisfy one comparison, each once."""
    return _leaf(leaf, table, "{} AS number")


def leaf_count(leaf: Way, table: Table) -> Sql:
    """Return a select of how many records satisfy one comparison."""
    return _leaf(leaf, table, "count({})")


def _leaf(leaf: Way, table: Table, form: str) -> Sql:
    if leaf.field == ID:
        select, number = f"SELECT {form.format('number')} FROM records WHERE collection = ? AND ", table.number  # noqa: S608 - constant names
        return Sql(select, (number,)) + condition(leaf, "id")
    # One record has one key of a value, but a list may have many of a range.
    one = (isinstance(leaf, Compare) and leaf.op is Op.EQ) or leaf.field not in table.collection.lists
    select = f"SELECT {form.format('record' if one else 'DISTINCT record')} FROM keys WHERE field = ? AND "  # noqa: S608 - constant names
    return Sql(select, (table.by_field[leaf.field],)) + condition(leaf, "value")


def condition(leaf: Way, column: str, begun: Side | None = None) -> Sql:
    """Return a comparison as a condition on a column of keys.

    Where something else bounds one side already, this only tests there: SQLite would enter the index by either bound.
    """
    match leaf:
        case In(field, values):
            wanted = tuple(encoded(normalise(field, value)) for value in values)
            return Sql(f"{column} IN ({', '.join('?' * len(wanted))})", wanted)
        case Present():
            return Sql(f"{column} NOT IN ('', ?)", (ABSENT,))
        case Span(terms=terms):
            return _within(terms, column, begun)
        case Compare(op=op) if op in _FROM or op in _TO:
            return _within((leaf,), column, begun)
        case Compare(field, Op.EQ, value):
            return Sql(f"{column} = ?", (encoded(normalise(field, value)),))
        case Compare(field, op, value):
            return _containing(column, op, str(normalise(field, value)), begun)


def _containing(column: str, op: Op, key: str, begun: Side | None) -> Sql:
    lower, upper = _columns(column, begun)
    texts = Sql(f"{lower} >= ? AND {upper} < ?", ("", b""))
    if op is Op.CO:
        return texts + Sql(f" AND instr({column}, ?) > 0", (key,))
    if not key:
        return texts
    # On bytes, because the text functions stop at a NUL.
    tail = key.encode()
    return texts + Sql(f" AND substr(CAST({column} AS BLOB), {-len(tail)}) = ?", (tail,))


def _within(terms: Sequence[Compare], column: str, begun: Side | None) -> Sql:
    """Return comparisons as bounds on an index, which stay among keys of the same type."""
    lower, upper = _columns(column, begun)
    from_, to = list[Sql](), list[Sql]()
    first, end = _bounds(normalise(terms[0].field, terms[0].value))
    for term in terms:
        key = encoded(normalise(term.field, term.value))
        if term.op in _FROM:
            from_.append(Sql(f"{lower} {_FROM[term.op]} ?", (key,)))
        if term.op in _TO:
            limit = _after_prefix(str(key)) if term.op is Op.SW else key
            to.append(Sql(f"{upper} {_TO[term.op]} ?", (limit,)))
    parts = (from_ or [Sql(f"{lower} >= ?", (first,))]) + (to or [Sql(f"{upper} < ?", (end,))])
    return _joined(parts, " AND ", "1")


def _columns(column: str, begun: Side | None) -> tuple[str, str]:
    """Return the column as it stands in lower and in upper bounds; with a plus it is no way into an index."""
    return ("+" if begun is Side.LOWER else "") + column, ("+" if begun is Side.UPPER else "") + column


def _after_prefix(prefix: str) -> Value:
    """Return the least key after all that start with the prefix."""
    stem = prefix.rstrip("\U0010ffff")
    if not stem:
        return b""
    following = ord(stem[-1]) + 1
    return stem[:-1] + chr(0xE000 if following == 0xD800 else following)


def _bounds(key: Scalar) -> tuple[Value, Value]:
    if isinstance(key, bool):
        return FALSE, AFTER_BOOLEANS
    return ("", b"") if isinstance(key, str) else (-inf, "")


def _joined(parts: list[Sql], word: str, empty: str) -> Sql:
    if not parts:
        return Sql(empty)
    return Sql(word.join(part.text for part in parts), tuple(value for part in parts for value in part.parameters))
