"""How often each collection was changed, as seen from one connection."""

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
    """Reads the counts again only when somebody has committed: the rest of the time a stamp takes microseconds."""

    def __init__(self, connection: apsw.Connection, tables: Mapping[str, Table]) -> None:
        self._connection = connection
        self._numbers = {name: table.number for name, table in tables.items()}
        self._moved: int | None = None
        self._changes: dict[int, int] = {}

    def of(self, collections: Sequence[str]) -> Stamp | None:
        """Return the stamp of these collections; None while another process holds the file up."""
        try:
            moved = self._connection.execute(_MOVED).get
            if moved != self._moved:
                self._changes = dict(fetch(self._connection, _CHANGES))
                self._moved = moved
        except apsw.Error:
            return None
        return tuple([self._changes[self._numbers[name]] for name in collections])
