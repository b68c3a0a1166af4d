"""Cuts what is too much for one question or one commit into parts."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import TypeVar

T = TypeVar("T")


def parts(items: Sequence[T], most: int) -> list[Sequence[T]]:
    """Return the items in their order, at most so many together; nothing of nothing."""
    return [items[start : start + most] for start in range(0, len(items), most)]


def batched(items: Iterable[T], most: int) -> Iterator[list[T]]:
    """Yield the items in their order, at most so many together, as they come."""
    coming = iter(items)
    while some := [*islice(coming, most)]:
        yield some


def weighed(items: Iterable[T], weight: Callable[[T], int], most: int) -> Iterator[list[T]]:
    """Yield the items in their order, together as many as are of at most this weight, as they come."""
    some, sum_ = list[T](), 0
    for item in items:
        heavier = sum_ + weight(item)
        if some and heavier > most:
            yield some
            some, heavier = [], weight(item)
        some.append(item)
        sum_ = heavier
    if some:
        yield some
