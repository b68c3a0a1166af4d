"""The keys of many documents at once: field after field, which costs a fraction of document after document."""

from collections.abc import Sequence
from typing import Any, Final

from idp.query import Document, Field, Kind, Scalar, fold
from idp.store.keys import single_key

_ABSENT: Final = type(None)
_OBJECTS: Final = frozenset({dict, _ABSENT})
# Stands between texts that are folded together; one that holds it is seen by there being more of them afterwards.
_BETWEEN: Final = "\x00"


class Columns:
    """Documents of one collection, of which a field has one key each."""

    def __init__(self, documents: Sequence[Document]) -> None:
        self._known: dict[tuple[str, ...], list[Any] | None] = {(): list(documents)}

    def of(self, field: Field) -> list[Scalar] | None:
        """Return the one key of each document, None where it has no value.

        None where not all documents have at most one value, all of one type: those are for the field's reader.
        Raises InvalidValue for a value that cannot be indexed as the field is declared.
        """
        values = self._at(field.path)
        types = set(map(type, values or ())) - {_ABSENT}
        if values is None or len(types) > 1 or not types.isdisjoint((dict, list)):
            return None
        if types == {str} and field.kind is Kind.STRING:
            return values if field.case_exact else _folded(values)
        # Of other values there are few different ones: states, and the moments of one commit.
        keys = {value: single_key(field, value) for value in set(values) if value is not None}
        return [keys.get(value) for value in values]

    def _at(self, path: tuple[str, ...]) -> list[Any] | None:
        """Return what stands at a path, document by document; None where something else than objects is on the way."""
        if path not in self._known:
            holders = self._at(path[:-1])
            if holders is None or not _OBJECTS.issuperset(map(type, holders)):
                self._known[path] = None
            else:
                name = path[-1]
                self._known[path] = [None if holder is None else holder.get(name) for holder in holders]
        return self._known[path]


def _folded(values: Sequence[str | None]) -> list[Scalar]:
    """Fold texts, all together where they are ASCII: the same as each by itself."""
    present = [value for value in values if value is not None]
    together = _BETWEEN.join(present)
    if together.isascii():
        folded = fold(together).split(_BETWEEN)
        if len(folded) == len(present):
            each = iter(folded)
            return [None if value is None else next(each) for value in values]
    return [None if value is None else fold(value) for value in values]
