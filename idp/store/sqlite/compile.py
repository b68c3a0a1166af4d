"""From a narrowed filter to SQL: a test of one record, or a select that drives the search."""

from collections.abc import Callable
from dataclasses import dataclass
from math import inf
from typing import Final

from idp.query import EVERYTHING, And, Compare, Filter, In, Not, Op, Or, Present, Scalar, ValuePath, normalise
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


Leaf = Compare | In | Present
Cost = Callable[[Leaf], float]

_SIGNS: Final = {Op.GT: ">", Op.GE: ">=", Op.LT: "<", Op.LE: "<="}


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
            best = min(terms, key=lambda term: expense(term, cost), default=EVERYTHING)
            found = None if best == filter else driver(best, table, cost)
            rest = tuple(term for term in terms if term is not best)
            return found and Driver(found.select, And((found.residual, *rest)))
        case Or(terms):
            found_all = [driver(term, table, cost) for term in terms]
            selects = [found.select for found in found_all if found]
            return Driver(_joined(selects, " UNION ", ""), filter) if selects and len(selects) == len(terms) else None
        case _:
            return None


def expense(filter: Filter, cost: Cost) -> float:
    """Return about how many keys a driver of this filter reads."""
    match filter:
        case Compare() | In() | Present():
            return cost(filter)
        case And(terms):
            return min((expense(term, cost) for term in terms), default=inf)
        case Or(terms):
            return sum(expense(term, cost) for term in terms)
        case _:
            return inf


def leaf_select(leaf: Leaf, table: Table) -> Sql:
    """Return a select of the `number`s of the records that satisfy one comparison, each once."""
    return _leaf(leaf, table, "{} AS number")


def leaf_count(leaf: Leaf, table: Table) -> Sql:
    """Return a select of how many records satisfy one comparison."""
    return _leaf(leaf, table, "count({})")


def _leaf(leaf: Leaf, table: Table, form: str) -> Sql:
    if leaf.field == ID:
        select, number = f"SELECT {form.format('number')} FROM records WHERE collection = ? AND ", table.number  # noqa: S608 - constant names
        return Sql(select, (number,)) + condition(leaf, "id")
    # One record has one key of a value, but a list may have many of a range.
    one = (isinstance(leaf, Compare) and leaf.op is Op.EQ) or leaf.field not in table.collection.lists
    select = f"SELECT {form.format('record' if one else 'DISTINCT record')} FROM keys WHERE field = ? AND "  # noqa: S608 - constant names
    return Sql(select, (table.by_field[leaf.field],)) + condition(leaf, "value")


def condition(leaf: Leaf, column: str) -> Sql:
    """Return a comparison as a condition on a column of keys."""
    match leaf:
        case In(field, values):
            wanted = tuple(encoded(normalise(field, value)) for value in values)
            return Sql(f"{column} IN ({', '.join('?' * len(wanted))})", wanted)
        case Present():
            return Sql(f"{column} NOT IN ('', ?)", (ABSENT,))
        case Compare(field, op, value):
            key = normalise(field, value)
            return _text_condition(column, op, key) if isinstance(key, str) else _range(column, op, key)


def _text_condition(column: str, op: Op, key: str) -> Sql:
    match op:
        case Op.SW:
            return _between(column, ">=", key, "<", _after_prefix(key))
        case Op.CO:
            return _between(column, ">=", "", "<", b"") + Sql(f" AND instr({column}, ?) > 0", (key,))
        case Op.EW if key:
            # On bytes, because the text functions stop at a NUL.
            tail = key.encode()
            ends = Sql(f" AND substr(CAST({column} AS BLOB), {-len(tail)}) = ?", (tail,))
            return _between(column, ">=", "", "<", b"") + ends
        case Op.EW:
            return _between(column, ">=", "", "<", b"")
        case _:
            return _range(column, op, key)


def _after_prefix(prefix: str) -> Value:
    """Return the least key after all that start with the prefix."""
    stem = prefix.rstrip("\U0010ffff")
    if not stem:
        return b""
    following = ord(stem[-1]) + 1
    return stem[:-1] + chr(0xE000 if following == 0xD800 else following)


def _range(column: str, op: Op, key: Scalar) -> Sql:
    """Return a comparison that stays among keys of the same type."""
    value = encoded(key)
    if op is Op.EQ:
        return Sql(f"{column} = ?", (value,))
    first, end = _bounds(key)
    if op in (Op.GT, Op.GE):
        return _between(column, _SIGNS[op], value, "<", end)
    return _between(column, ">=", first, _SIGNS[op], value)


def _bounds(key: Scalar) -> tuple[Value, Value]:
    if isinstance(key, bool):
        return FALSE, AFTER_BOOLEANS
    return ("", b"") if isinstance(key, str) else (-inf, "")


def _between(column: str, low_sign: str, low: Value, high_sign: str, high: Value) -> Sql:
    return Sql(f"{column} {low_sign} ? AND {column} {high_sign} ?", (low, high))


def _joined(parts: list[Sql], word: str, empty: str) -> Sql:
    if not parts:
        return Sql(empty)
    return Sql(word.join(part.text for part in parts), tuple(value for part in parts for value in part.parameters))
