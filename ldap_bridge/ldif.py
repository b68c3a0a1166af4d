"""LDIF files (RFC 2849) as a directory: content records, read line by line, refused with the line that is wrong."""

import base64
import binascii
import re
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from ldap_bridge.dn import DnError, is_within, key
from ldap_bridge.entries import Entry, Outcome, Selection
from ldap_bridge.errors import LdifError

BATCH: Final = 500
# RFC 2849 knows no byte order mark, but editors on Windows put one before UTF-8.
BOM: Final = b"\xef\xbb\xbf"
# A photo of several megabytes fits in one line; a file without line ends does not fill the memory.
MAX_LINE: Final = 32 * 1024 * 1024
# attribute description = type or OID with options (RFC 4512 section 2.5)
_NAME: Final = re.compile(rb"[A-Za-z0-9][A-Za-z0-9.-]*(?:;[A-Za-z0-9-]+)*")
_CHANGE: Final = {"changetype", "control", "add", "delete", "replace", "modify"}


@dataclass(frozen=True, slots=True)
class Line:
    """A logical line: its continuations joined, and the number of its first physical line."""

    number: int
    octets: bytes


class LdifFile:
    """One LDIF file. Reading it twice reads it twice: it may change in between."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self, selection: Selection) -> "LdifReading":
        """Begin a read; the file is opened when the first batch is asked for."""
        return LdifReading(self, selection)

    def stamp(self) -> tuple[int, int]:
        """Return what changes when the file does. Raises LdifError."""
        try:
            found = self.path.stat()
        except OSError as error:
            raise LdifError(str(self.path), 0, f"cannot be read: {error.strerror}") from error
        return found.st_mtime_ns, found.st_size

    def entries(self) -> Iterator[Entry]:
        """Yield every record. Raises LdifError at the first line that is wrong."""
        try:
            with self.path.open("rb") as file:
                for record in self._records(file):
                    yield self._entry(record)
        except OSError as error:
            raise LdifError(str(self.path), 0, f"cannot be read: {error.strerror}") from error

    def _records(self, file: BinaryIO) -> Iterator[list[Line]]:
        """Yield runs of logical lines between empty ones, without comments and the version."""
        record: list[Line] = []
        for line in self._lines(file):
            if line.octets.startswith(b"#"):
                continue
            if not record and line.octets.lower().startswith(b"version:"):
                self._check_version(line)
            elif line.octets:
                record.append(line)
            elif record:
                yield record
                record = []
        if record:
            yield record

    def _lines(self, file: BinaryIO) -> Iterator[Line]:
        """Yield logical lines; an empty one stands for each physical empty line."""
        number, start, parts = 0, 0, list[bytes]()
        while physical := file.readline(MAX_LINE):
            number += 1
            if not physical.endswith(b"\n"):
                # RFC 2849: every line ends with a separator. A file that was cut off does not, a long line neither.
                raise self._error(number, "is cut off: the line has no end" if len(physical) < MAX_LINE else "too long")
            octets = (physical.removeprefix(BOM) if number == 1 else physical).rstrip(b"\r\n")
            if octets.startswith(b" "):
                if not parts or not parts[0]:
                    raise self._error(number, "continues a line that is not there")
                parts.append(octets[1:])
                continue
            if parts:
                yield Line(start, b"".join(parts))
            start, parts = number, [octets]
        if parts:
            yield Line(start, b"".join(parts))

    def _check_version(self, line: Line) -> None:
        if line.octets.partition(b":")[2].strip() != b"1":
            raise self._error(line.number, "only version 1 of LDIF is known")

    def _entry(self, record: list[Line]) -> Entry:
        name, value = self._split(record[0])
        if name != "dn":
            raise self._error(record[0].number, f"a record begins with {name!r}, not with dn")
        attributes: dict[str, list[bytes]] = {}
        for line in record[1:]:
            name, content = self._split(line)
            if name in _CHANGE:
                raise self._error(line.number, f"{name!r} belongs to a change record; only content is read")
            if name == "dn":
                raise self._error(line.number, "a second dn in one record: an empty line is missing before it")
            attributes.setdefault(name, []).append(content)
        if not attributes:
            raise self._error(record[0].number, "a record without attributes")
        return Entry(self._dn(record[0].number, value), attributes)

    def _dn(self, number: int, value: bytes) -> str:
        try:
            dn = value.decode("utf-8")
            key(dn)
        except UnicodeDecodeError:
            raise self._error(number, "the dn is not UTF-8") from None
        except DnError as error:
            raise self._error(number, str(error)) from None
        return dn

    def _split(self, line: Line) -> tuple[str, bytes]:
        """Return the lower-cased attribute description and the value of a line."""
        name, colon, rest = line.octets.partition(b":")
        if not colon or not _NAME.fullmatch(name):
            raise self._error(line.number, f"{_shown(line.octets)} is not `attribute: value`")
        lowered = name.decode("ascii").lower()
        if rest.startswith(b"<"):
            raise self._error(line.number, f"{lowered}: values from URLs are not fetched")
        if not rest.startswith(b":"):
            return lowered, rest.lstrip(b" ")
        try:
            return lowered, base64.b64decode(rest[1:].strip(b" "), validate=True)
        except binascii.Error as error:
            raise self._error(line.number, f"{lowered}: not base64: {error}") from error

    def _error(self, line: int, reason: str) -> LdifError:
        return LdifError(str(self.path), line, reason)


class LdifReading:
    """A Reading of the entries of a file that a selection chooses; the file must be right to its end."""

    def __init__(self, file: LdifFile, selection: Selection) -> None:
        self._file = file
        self._bases = [key(base) for base in selection.bases]
        self._classes = {name.lower().encode() for name in selection.classes}
        self._not_classes = {name.lower().encode() for name in selection.not_classes}
        self._wanted = {name.lower() for name in selection.attributes}
        self._interrupted = False
        self._outcome = Outcome(complete=False, reason="the read has not ended")

    @property
    def outcome(self) -> Outcome:
        """How the read ended; incomplete until it has."""
        return self._outcome

    def interrupt(self) -> None:
        """Make `batches` end soon; from another thread."""
        self._interrupted = True

    def batches(self) -> Generator[list[Entry], None, None]:
        """Yield the entries. Raises LdifError, also after some were yielded: half a file is no directory."""
        batch: list[Entry] = []
        count = 0
        for entry in self._file.entries():
            if self._interrupted:
                self._outcome = Outcome(complete=False, entries=count, reason="interrupted")
                return
            if not self._is_chosen(entry):
                continue
            count += 1
            batch.append(self._reduced(entry))
            if len(batch) >= BATCH:
                yield batch
                batch = []
        if batch:
            yield batch
        self._outcome = Outcome(complete=True, entries=count)

    def _is_chosen(self, entry: Entry) -> bool:
        classes = {value.lower() for value in entry.attributes.get("objectclass", ())}
        if not classes & self._classes or classes & self._not_classes:
            return False
        own = key(entry.dn)
        return any(is_within(own, base) for base in self._bases)

    def _reduced(self, entry: Entry) -> Entry:
        if not self._wanted:
            return entry
        return Entry(entry.dn, {name: values for name, values in entry.attributes.items() if name in self._wanted})


def _shown(octets: bytes) -> str:
    """Return the start of a line for a message; what may be a secret further on is left out."""
    return repr(octets[:30].decode("utf-8", "backslashreplace"))
