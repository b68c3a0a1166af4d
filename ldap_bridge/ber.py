"""Bounds-checked BER reader for LDAP responses (RFC 4511 sections 4.5.2 and 5.1): bytes in, plain values out."""

from collections.abc import Iterator
from dataclasses import dataclass

from ldap_bridge.entries import Entry

SEQUENCE, SET, OCTETS, INTEGER, BOOLEAN, ENUMERATED = 0x30, 0x31, 0x04, 0x02, 0x01, 0x0A
SEARCH_ENTRY, SEARCH_DONE, SEARCH_REFERENCE, BIND_RESPONSE, EXTENDED_RESPONSE = 0x64, 0x65, 0x73, 0x61, 0x78
INTERMEDIATE_RESPONSE = 0x79
CONTROLS, REFERRALS, RESPONSE_NAME, RESPONSE_VALUE = 0xA0, 0xA3, 0x80, 0x81
PAGED_RESULTS = "1.2.840.113556.1.4.319"

# A group of a million members with DNs of 60 octets is one message of 64 MB; anything beyond is not directory data.
MAX_MESSAGE = 128 * 1024 * 1024
# Attribute names repeat in every entry; the cache of decoded names is bounded against a server that invents them.
MAX_NAMES = 4096


class BerError(ValueError):
    """The octets are not the LDAP message they claim to be."""


@dataclass(frozen=True, slots=True)
class Control:
    """A response control with its value still encoded."""

    oid: str
    value: bytes


@dataclass(slots=True)
class EntryMessage:
    """SearchResultEntry."""

    message_id: int
    entry: Entry
    controls: tuple[Control, ...]


@dataclass(frozen=True, slots=True)
class ReferenceMessage:
    """SearchResultReference: where else the search could go on. We report it and never follow."""

    message_id: int
    uris: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ResultMessage:
    """SearchResultDone, BindResponse or ExtendedResponse: `operation` is the tag it came under."""

    message_id: int
    operation: int
    code: int
    matched_dn: str
    text: str
    referrals: tuple[str, ...]
    controls: tuple[Control, ...]


@dataclass(frozen=True, slots=True)
class IntermediateMessage:
    """IntermediateResponse (RFC 4511 section 4.13) with its value still encoded."""

    message_id: int
    oid: str
    value: bytes


Message = EntryMessage | ReferenceMessage | ResultMessage | IntermediateMessage


class Decoder:
    """Cuts a stream of octets into LDAP messages and decodes them; keeps at most one unfinished message."""

    def __init__(self, max_message: int = MAX_MESSAGE) -> None:
        self._buffer = bytearray()
        self._needed = 2
        self._max_message = max_message
        self._names: dict[bytes, str] = {}
        self.has_ranges = False
        """Whether any attribute so far came in a range, as Active Directory sends long ones."""

    def feed(self, chunk: bytes) -> Iterator[Message]:
        """Take more octets and yield every message they complete; raises BerError, after which the stream is lost."""
        self._buffer += chunk
        if len(self._buffer) < self._needed:
            return
        data = bytes(self._buffer)
        position, size = 0, len(data)
        while (stop := self._message_end(data, position, size)) <= size:
            yield self._message(data, position, stop)
            position = stop
        del self._buffer[:position]
        self._needed = stop - position

    @property
    def pending(self) -> int:
        """How many octets of an unfinished message are held."""
        return len(self._buffer)

    def _message_end(self, data: bytes, position: int, size: int) -> int:
        """Return where the message at `position` ends, or a point beyond `size` while that is not known yet."""
        if size - position < 2:
            return size + 2 - (size - position)
        if data[position] != SEQUENCE:
            raise BerError(f"a message starts with tag 0x{data[position]:02x}, not with a sequence")
        length, start = data[position + 1], position + 2
        if length >= 0x80:
            octets = length & 0x7F
            if not 1 <= octets <= 4:
                raise BerError("a message has an indefinite or oversized length")
            if size - start < octets:
                return start + octets
            length = int.from_bytes(data[start : start + octets], "big")
            start += octets
        if length > self._max_message:
            raise BerError(f"a message of {length} octets exceeds the limit of {self._max_message}")
        return start + length

    def _message(self, data: bytes, position: int, end: int) -> Message:
        _, position, end = header(data, position, end)
        message_id, position = integer(data, position, end)
        operation, start, stop = header(data, position, end)
        controls = _controls(data, stop, end) if stop < end else ()
        if operation == SEARCH_ENTRY:
            return EntryMessage(message_id, self._entry(data, start, stop), controls)
        if operation == SEARCH_REFERENCE:
            return ReferenceMessage(message_id, _strings(data, start, stop))
        if operation in (SEARCH_DONE, BIND_RESPONSE, EXTENDED_RESPONSE):
            return _result(message_id, operation, data, start, stop, controls)
        if operation == INTERMEDIATE_RESPONSE:
            return _intermediate(message_id, data, start, stop)
        raise BerError(f"an unexpected operation with tag 0x{operation:02x}")

    def _entry(self, data: bytes, position: int, end: int) -> Entry:
        tag, start, position = header(data, position, end)
        expect(tag, OCTETS, "the name of an entry")
        # A DN is UTF-8 (RFC 4514); what is not stays visible instead of stopping the read for everybody else.
        dn = data[start:position].decode("utf-8", "backslashreplace")
        tag, start, stop = header(data, position, end)
        expect(tag, SEQUENCE, "an attribute list")
        try:
            return Entry(dn, self._attributes(data, start, stop))
        except IndexError:
            raise BerError("an attribute is cut short") from None

    def _attributes(self, data: bytes, position: int, end: int) -> dict[str, list[bytes]]:
        """Decode PartialAttributeList: this loop is where a full read spends its time.

        The commonest shape, a name and one value, all with lengths of one octet, is recognised in place: each length
        must end exactly where the one around it ends, so nothing beyond `end` can be taken. The rest goes by `header`.
        """
        attributes: dict[str, list[bytes]] = {}
        names = self._names
        while position < end:
            start = position
            if (
                data[start] == SEQUENCE
                and data[start + 1] < 0x80
                and (position := start + 2 + data[start + 1]) <= end
                and data[start + 2] == OCTETS
                and (middle := start + 4 + data[start + 3]) <= position - 4
                and data[middle] == SET
                and data[middle + 1] == position - middle - 2
                and data[middle + 2] == OCTETS
                and data[middle + 3] == position - middle - 4
            ):
                raw = data[start + 4 : middle]
                values = [data[middle + 4 : position]]
            else:
                raw, values, position = _attribute(data, start, end)
            name = names.get(raw) or self._name(raw)
            if name in attributes:
                attributes[name] += values
            else:
                attributes[name] = values
        return attributes

    def _name(self, raw: bytes) -> str:
        """Decode and lower-case an attribute description (RFC 4512 section 2.5: ASCII, any case)."""
        try:
            name = raw.decode("ascii").lower()
        except UnicodeDecodeError:
            raise BerError("an attribute name is not ASCII") from None
        if not name:
            raise BerError("an attribute has no name")
        self.has_ranges = self.has_ranges or ";range=" in name
        if len(self._names) < MAX_NAMES:
            self._names[raw] = name
        return name


def header(data: bytes, position: int, end: int) -> tuple[int, int, int]:
    """Read tag and length at `position`; return tag, start and stop of the content, which lies within `end`."""
    if end - position < 2:
        raise BerError("an element is cut short")
    tag, length = data[position], data[position + 1]
    if tag & 0x1F == 0x1F:
        raise BerError("a tag of several octets, which LDAP does not use")
    start = position + 2
    if length >= 0x80:
        octets = length & 0x7F
        if not 1 <= octets <= 4 or start + octets > end:
            raise BerError("an indefinite, oversized or cut length")
        length = int.from_bytes(data[start : start + octets], "big")
        start += octets
    if start + length > end:
        raise BerError("an element reaches beyond what contains it")
    return tag, start, start + length


def expect(tag: int, wanted: int, what: str) -> None:
    """Refuse a tag other than the one the grammar asks for."""
    if tag != wanted:
        raise BerError(f"{what} has tag 0x{tag:02x} where 0x{wanted:02x} belongs")


def integer(data: bytes, position: int, end: int, tag: int = INTEGER) -> tuple[int, int]:
    """Read an INTEGER or ENUMERATED of LDAP's range (0 to 2^31-1); return it and the position after it."""
    found, start, stop = header(data, position, end)
    expect(found, tag, "a number")
    if not 1 <= stop - start <= 5:
        raise BerError("a number is empty or too long")
    value = int.from_bytes(data[start:stop], "big", signed=True)
    if not 0 <= value < 2**31:
        raise BerError("a number is out of range")
    return value, stop


def paged_cookie(controls: tuple[Control, ...]) -> bytes | None:
    """Return the cookie of the paged results control (RFC 2696), or None when the server sent no such control."""
    for control in controls:
        if control.oid == PAGED_RESULTS:
            tag, start, stop = header(control.value, 0, len(control.value))
            expect(tag, SEQUENCE, "the paged results control")
            _, position = integer(control.value, start, stop)
            tag, start, stop = header(control.value, position, stop)
            expect(tag, OCTETS, "a page cookie")
            return control.value[start:stop]
    return None


def _attribute(data: bytes, position: int, end: int) -> tuple[bytes, list[bytes], int]:
    """Decode one PartialAttribute of any shape; return its name, its values and the position after it."""
    tag, position, end = header(data, position, end)
    expect(tag, SEQUENCE, "an attribute")
    tag, start, stop = header(data, position, end)
    expect(tag, OCTETS, "an attribute name")
    name = data[start:stop]
    tag, position, stop = header(data, stop, end)
    expect(tag, SET, "a value set")
    values = []
    while position < stop:
        tag, start, position = header(data, position, stop)
        expect(tag, OCTETS, "a value")
        values.append(data[start:position])
    return name, values, end


def _strings(data: bytes, position: int, end: int) -> tuple[str, ...]:
    strings = []
    while position < end:
        tag, start, position = header(data, position, end)
        expect(tag, OCTETS, "a URI")
        strings.append(data[start:position].decode("utf-8", "backslashreplace"))
    return tuple(strings)


def _text(data: bytes, position: int, end: int, what: str) -> tuple[str, int]:
    tag, start, stop = header(data, position, end)
    expect(tag, OCTETS, what)
    return data[start:stop].decode("utf-8", "backslashreplace"), stop


def _result(
    message_id: int, operation: int, data: bytes, position: int, end: int, controls: tuple[Control, ...]
) -> ResultMessage:
    """Decode LDAPResult; elements after it that we do not know are skipped (RFC 4511 section 4)."""
    code, position = integer(data, position, end, ENUMERATED)
    matched, position = _text(data, position, end, "a matched name")
    text, position = _text(data, position, end, "a diagnostic message")
    referrals: tuple[str, ...] = ()
    while position < end:
        tag, start, position = header(data, position, end)
        if tag == REFERRALS:
            referrals = _strings(data, start, position)
    return ResultMessage(message_id, operation, code, matched, text, referrals, controls)


def _intermediate(message_id: int, data: bytes, position: int, end: int) -> IntermediateMessage:
    """Decode IntermediateResponse; both of its parts may be missing."""
    name, value = "", b""
    while position < end:
        tag, start, position = header(data, position, end)
        if tag == RESPONSE_NAME:
            name = data[start:position].decode("ascii", "backslashreplace")
        elif tag == RESPONSE_VALUE:
            value = data[start:position]
    return IntermediateMessage(message_id, name, value)


def _controls(data: bytes, position: int, end: int) -> tuple[Control, ...]:
    controls = []
    while position < end:
        tag, start, position = header(data, position, end)
        if tag == CONTROLS:
            controls += _control_list(data, start, position)
    return tuple(controls)


def _control_list(data: bytes, position: int, end: int) -> list[Control]:
    controls = []
    while position < end:
        tag, start, position = header(data, position, end)
        expect(tag, SEQUENCE, "a control")
        oid, start = _text(data, start, position, "a control type")
        value = b""
        while start < position:
            tag, content, start = header(data, start, position)
            if tag == OCTETS:
                value = data[content:start]
        controls.append(Control(oid, value))
    return controls
