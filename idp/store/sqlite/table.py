"""A collection as a SQLite file numbers it, and values as its keys hold them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from idp.query import Field, Scalar
from idp.store.contract import Collection
from idp.store.keys import KeyReader, UniqueReader

Value = str | int | float | bytes

# Blobs sort after numbers and text, so booleans and "no value" have places of their own in every index.
FALSE: Final = b"\x00"
TRUE: Final = b"\x01"
AFTER_BOOLEANS: Final = b"\x02"
ABSENT: Final = b"\xff"


@dataclass(frozen=True, slots=True)
class Table:
    """A collection and the numbers of its fields; `indexed` also says which are lists.

    `names` are the first steps of all paths that keys are taken from; `readers` take them, in the order of `indexed`,
    and `claimants` the unique values.
    """

    collection: Collection
    number: int
    indexed: tuple[tuple[int, Field, bool], ...]
    unique: tuple[tuple[int, Field], ...]
    by_field: Mapping[Field, int]
    names: frozenset[str]
    readers: tuple[tuple[int, str, KeyReader], ...]
    claimants: tuple[tuple[int, str, UniqueReader], ...]

    def unique_name(self, number: int) -> str:
        """Return the name of the unique field with that number."""
        return next(field.name for one, field in self.unique if one == number)


def encoded(value: Scalar) -> Value:
    """Return a normalised value as keys hold it, ordered as `idp.query.order_key` orders."""
    if type(value) is str:  # as nearly all of them are
        return value
    if isinstance(value, bool):
        return TRUE if value else FALSE
    return ABSENT if value is None else value
