"""Values in their order, of which all but the last ones may be put away on a spool."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final, Generic, TypeVar

import msgspec

from ldap_bridge.spool import Spool

T = TypeVar("T")

# So much lies together, by weight: reading one value is reading all of them.
_TOGETHER: Final = 250
_encode: Final = msgspec.msgpack.Encoder().encode


class _Parcel:
    """Some values that were put away, with the marks that they have among them, each with how often."""

    __slots__ = ("marks", "place")

    def __init__(self, place: int, marks: dict[Any, int]) -> None:
        self.place = place
        self.marks = marks


class Pile(Generic[T]):
    """A list that grows at its end, and is gone through from its beginning.

    Whoever adds a value may change it until the pile is told to `put_away`; what is read of it after that is a copy.
    By the `mark` of each value it is known what there is, and where, without reading it. One of great `weight` lies
    with few others.
    """

    def __init__(
        self, kind: type[T], mark: Callable[[T], Any] = lambda _: None, weight: Callable[[T], int] = lambda _: 1
    ) -> None:
        self._decode = msgspec.msgpack.Decoder(list[kind]).decode  # type: ignore[valid-type]  # known at run time
        self._mark = mark
        self._weight = weight
        self._spool = Spool()
        self._parcels: list[_Parcel] = []
        self._open: list[T] = []

    def __len__(self) -> int:
        return sum(sum(parcel.marks.values()) for parcel in self._parcels) + len(self._open)

    def __iter__(self) -> Iterator[T]:
        return self.marked(lambda _: True)

    def append(self, value: T) -> None:
        """Add a value."""
        self._open.append(value)

    def extend(self, values: Iterable[T]) -> None:
        """Add values."""
        self._open.extend(values)

    def put_away(self) -> None:
        """Put away what is at hand; a few values may stay, until more of them come."""
        start = weight = 0
        for end, value in enumerate(self._open, start=1):
            weight += self._weight(value)
            if weight >= _TOGETHER:
                some, start, weight = self._open[start:end], end, 0
                self._parcels.append(_Parcel(self._spool.add(_encode(some)), self._marks(some)))
        del self._open[:start]

    def marks(self) -> dict[Any, int]:
        """Return how many values there are of each mark."""
        found = self._marks(self._open)
        for parcel in self._parcels:
            for mark, count in parcel.marks.items():
                found[mark] = found.get(mark, 0) + count
        return found

    def marked(self, wanted: Callable[[Any], bool]) -> Iterator[T]:
        """Yield the values whose mark is wanted, in their order; what has none of them is not read."""
        mark = self._mark
        for parcel in self._parcels:
            if any(map(wanted, parcel.marks)):
                yield from (value for value in self._read(parcel) if wanted(mark(value)))
        yield from (value for value in self._open if wanted(mark(value)))

    def revise(self, look: Callable[[T], T | None], wanted: Callable[[Any], bool] = lambda _: True) -> None:
        """Let `look` say of every value whose mark is wanted what is to stand in its place, if anything."""
        for parcel in self._parcels:
            if any(map(wanted, parcel.marks)):
                before = self._spool.read(parcel.place)
                values = self._revised(self._decode(before), look, wanted)
                if (after := _encode(values)) != before:
                    parcel.place, parcel.marks = self._spool.add(after), self._marks(values)
        self._open = self._revised(self._open, look, wanted)

    def _revised(self, values: list[T], look: Callable[[T], T | None], wanted: Callable[[Any], bool]) -> list[T]:
        found = (look(value) if wanted(self._mark(value)) else value for value in values)
        return [value for value in found if value is not None]

    def _read(self, parcel: _Parcel) -> list[T]:
        values: list[T] = self._decode(self._spool.read(parcel.place))
        return values

    def _marks(self, values: Iterable[T]) -> dict[Any, int]:
        found: dict[Any, int] = {}
        for value in values:
            mark = self._mark(value)
            found[mark] = found.get(mark, 0) + 1
        return found
