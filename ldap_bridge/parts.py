"""Cuts what is too much for one question or one commit into parts."""

from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


def parts(items: Sequence[T], most: int) -> list[Sequence[T]]:
    """Return the items in their order, at most so many together; nothing of nothing."""
    return [items[start : start + most] for start in range(0, len(items), most)]
