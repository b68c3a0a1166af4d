"""How often each collection was changed, as seen from one connection."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final

import apsw

from idp.memory import Stamp
from idp.store.sqlite.database import fetch
from idp.store.sqlite.table import Table

# Another number whenever another connection, in whatever process, has committed since this one looked last.
_MOVED: Final = "PRAGMA data_version"
_CHANGES: Final = "SELECT number, changes FROM collections"


class Stamps:
    """Reads the counts again only when somebody has committed: the rest of the time a stamp takes microseconds.

    It asks at most once in each round of the event loop. What is handled in a round came in before the round began,
    and whoever hears of a commit hears of it in a later one: to all of them the moment of asking is recent enough.
    """

    def __init__(self, connection: apsw.Connection, tables: Mapping[str, Table]) -> None:
        self._connection = connection
        self._loop = asyncio.get_running_loop()
        self._is_fresh = False
        self._numbers = {name: table.number for name, table in tables.items()}
        self._moved: int | None = None
        self._changes: dict[int, int] = {}

    def of(self, collections: Sequence[str]) -> Stamp | None:
        """Return the stamp of these collections; None while another process holds the file up."""
        try:
            if not self._is_fresh:
                self._refresh()
        except apsw.Error:
            return None
        return tuple([self._changes[self._numbers[name]] for name in collections])

    def _refresh(self) -> None:
        moved = self._connection.execute(_MOVED).get
        if moved != self._moved:
            self._changes = dict(fetch(self._connection, _CHANGES))
            self._moved = moved
        self._is_fresh = True
        self._loop.call_soon(self._expire)

    def _expire(self) -> None:
        self._is_fresh = False
