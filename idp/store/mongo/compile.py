"""From a narrowed filter to a MongoDB filter over the keys."""

import re
from typing import Any, Final

from idp.errors import TooLarge
from idp.query import (
    And,
    Compare,
    Field,
    Filter,
    In,
    Not,
    Op,
    Or,
    Place,
    Present,
    Sort,
    ValuePath,
    normalise,
    order_key,
)
from idp.store.mongo.layout import ABSENT, Layout
from idp.store.narrow import ID

Match = dict[str, Any]

# MongoDB takes patterns of up to 32,764 bytes; four bytes a letter, and escaped.
_LONGEST_TEXT: Final = 4_000
_SIGNS: Final = {Op.EQ: "$eq", Op.GT: "$gt", Op.GE: "$gte", Op.LT: "$lt", Op.LE: "$lte"}


# In the order of `idp.query.order_key`.
_TYPES: Final = ("number", "string", "bool", "maxKey")


def compiled(filter: Filter, layout: Layout) -> Match:
    """Return the filter in MongoDB's words.

    Every comparison is one condition on one value: two of them on an array could be met by different elements.
    MongoDB compares only what is of the same type, as the specification wants.
    """
    match filter:
        case Compare(field, op, value):
            path, key = _path(field, layout), normalise(field, value)
            if op in _SIGNS:
                return {path: {_SIGNS[op]: key}}
            return {path: {"$regex": _pattern(op, str(key))}}
        case In(field, values):
            return {_path(field, layout): {"$in": [normalise(field, value) for value in values]}}
        case Present(field):
            path = _path(field, layout)
            return {"$or": [{path: {"$gt": ""}}, {path: {"$gte": float("-inf")}}, {path: {"$in": [False, True]}}]}
        case And(terms):
            return {"$and": [compiled(term, layout) for term in terms]} if terms else {}
        case Or(terms):
            return {"$or": [compiled(term, layout) for term in terms]} if terms else {"_id": {"$in": []}}
        case Not(term):
            return {"$nor": [compiled(term, layout)]}
        case ValuePath():
            raise TypeError("narrowed filters have no value paths")


def beyond(order: Sort, start: Place, layout: Layout) -> Match:
    """Return the condition that a record comes after a place in the order.

    Comparisons stay within a type, so those that come after the place's own are named.
    """
    sign = "$lt" if order.descending else "$gt"
    by_id = {"_id": {sign: start.id}}
    if order.field == ID:
        return by_id
    path, key = layout.order_path(order.field), ABSENT if start.key is None else start.key
    own = order_key(start.key)[0]
    others = _TYPES[:own] if order.descending else _TYPES[own + 1 :]
    ways: list[Match] = [{"$and": [{path: {"$eq": key}}, by_id]}]
    if start.key is not None:
        ways.append({path: {sign: key}})
    return {"$or": [*ways, *({path: {"$type": kind}} for kind in others)]}


def _path(field: Field, layout: Layout) -> str:
    return "_id" if field == ID else layout.key_path(field)


def _pattern(op: Op, text: str) -> str:
    if len(text) > _LONGEST_TEXT:
        raise TooLarge("the length of a text to search for", _LONGEST_TEXT)
    # A pattern ends at a NUL, so that it has to be spelt.
    literal = re.escape(text).replace("\x00", "\\x00")
    match op:
        case Op.SW:
            return f"^{literal}"
        case Op.EW:
            return rf"{literal}\z"
        case _:
            return literal
