"""What a store promises: a few verbs over versioned records, and one commit that is all or nothing.

A store knows no rules. Backends turn every exception of their driver into one of `idp.errors`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

import msgspec

from idp.memory import Moment, Stamp
from idp.query import Document, Field, Filter, Query
from idp.store.bodies import decode_body

_decode_top: Final = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_decode_value: Final = msgspec.json.Decoder().decode


@dataclass(frozen=True, slots=True)
class Collection:
    """How records of one kind are kept.

    `indexed` fields are found without a scan and can be sorted by; those of them of which a record may have several
    values are also in `lists`. No two live records share a value of a `unique` field (compared as the field compares);
    uniqueness holds over every value of a multi-valued field. `expires` names the top-level key with an xsd:dateTime
    after which the record counts as gone. `counted` says that somebody asks for the number of all records, which then
    costs the same however many there are; `stamped`, that somebody asks for its stamp.
    """

    name: str
    indexed: tuple[Field, ...] = ()
    unique: tuple[Field, ...] = ()
    expires: str | None = None
    lists: tuple[Field, ...] = ()
    counted: bool = True
    stamped: bool = False


class Record:
    """A document as stored. `version` is 1 when inserted and grows by one with every replacement."""

    __slots__ = ("_document", "_text", "id", "version")

    def __init__(self, id: str, version: int, document: dict[str, Any] | None = None, text: bytes = b"") -> None:
        """Take the document, or its JSON text."""
        self.id = id
        self.version = version
        self._document = document
        self._text = text

    @property
    def document(self) -> dict[str, Any]:
        """The document; the very same one every time."""
        if self._document is None:
            self._document = decode_body(self._text)
            self._text = b""
        return self._document

    def outline(self, opened: Iterable[str]) -> dict[str, Any]:
        """Return the document for somebody who passes most of it on: a copy of its top level.

        Values of other keys than those `opened` may be JSON text as it is kept (`msgspec.Raw`), which an encoder takes
        like any value.
        """
        if not self._text:
            return self.document.copy()
        outline: dict[str, Any] = _decode_top(self._text)
        for key in opened:
            if key in outline:
                outline[key] = _decode_value(outline[key])
        return outline

    def copy(self) -> "Record":
        """Return the same record with a document of its own."""
        return Record(self.id, self.version, None if self._text else msgspec.to_builtins(self._document), self._text)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Record) and self._all == other._all

    def __hash__(self) -> int:
        return hash((self.id, self.version))

    def __repr__(self) -> str:
        return f"Record{self._all}"

    @property
    def _all(self) -> tuple[str, int, dict[str, Any]]:
        return self.id, self.version, self.document


@dataclass(frozen=True, slots=True)
class Page:
    """What a query found, in its order. `total` counts all matches when the query asked for it."""

    records: list[Record]
    total: int | None


@dataclass(frozen=True, slots=True)
class Insert:
    """Add a record; its `document["id"]` must be new (else NotUnique on `id`)."""

    collection: str
    document: Document


@dataclass(frozen=True, slots=True)
class Replace:
    """Put a whole new document in place of the record at exactly this version (else VersionMismatch)."""

    collection: str
    document: Document
    expected_version: int


@dataclass(frozen=True, slots=True)
class Delete:
    """Remove the record; with `expected_version`, only at exactly that version. Gone already is a VersionMismatch."""

    collection: str
    id: str
    expected_version: int | None = None


@dataclass(frozen=True, slots=True)
class DeleteWhere:
    """Remove every record whose indexed field has this value, as of the commit; none is not an error."""

    collection: str
    field: Field
    value: str


@dataclass(frozen=True, slots=True)
class Check:
    """Change nothing, but let the commit fail with VersionMismatch if the record is gone or at another version.

    Isolated against a concurrent Delete of the same record: one of the two commits comes after the other.
    """

    collection: str
    id: str
    expected_version: int | None = None


Write = Insert | Replace | Delete | DeleteWhere | Check


class Store(Protocol):
    """The persistence contract. All reads see every commit that was acknowledged before they began.

    Every verb may raise Unavailable, Overloaded or DeadlineExceeded. Cancelling a read ends it; cancelling a commit
    does not undo it. Expired records are never returned, and never block a unique value or an id.
    """

    async def get(self, collection: str, id: str) -> Record | None:
        """Return the record of that id, or None."""
        ...

    async def get_many(self, collection: str, ids: Sequence[str]) -> dict[str, Record]:
        """Return the records that exist, by id, in one round trip."""
        ...

    async def find(self, collection: str, query: Query) -> Page:
        """Return the matching records in the query's order. Agrees with `idp.query.matches` on every filter.

        Filter and sort may also ask for `idp.query.VERSION`, the record's own, which has no index.
        What no index can answer is scanned off the event loop, in bounded memory. Raises TooLarge when a scan goes
        over the store's limit.
        """
        ...

    async def count(self, collection: str, filter: Filter) -> int:
        """Return how many records match."""
        ...

    async def commit(self, writes: Sequence[Write]) -> None:
        """Apply all writes in order, or none; durable when it returns.

        Raises NotUnique, VersionMismatch (nothing was changed), DeadlineExceeded or Unavailable (nobody knows;
        a retry is safe only because every write is conditional).
        """
        ...

    async def stamp(self, collections: Sequence[str], moment: Moment | None = None) -> Stamp | None:
        """Return the stamp of these collections, all of them `stamped`, whoever changes them.

        It tells of every commit that was acknowledged before the moment; without one, before it was asked for. None
        where it cannot be told. Records that expire change no stamp.
        """
        ...

    async def check(self) -> None:
        """Go the way that writes go, to the disk; returns when it works. Raises Unavailable."""
        ...

    async def sweep(self) -> int:
        """Remove expired records for good; returns how many."""
        ...

    async def close(self) -> None:
        """Finish what has begun and let go of files and connections."""
        ...


@dataclass(frozen=True, slots=True)
class Settings:
    """Limits every backend keeps: seconds a verb may take, commits that may wait, records a scan may read."""

    timeout: float = 10.0
    max_waiting: int = 1024
    max_scan: int = 5_000_000
