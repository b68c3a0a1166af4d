"""Controls of change feeds as octets: content synchronisation (RFC 4533) and Active Directory's DirSync."""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from ldap_bridge.ber import (
    BOOLEAN,
    ENUMERATED,
    OCTETS,
    SEQUENCE,
    SET,
    BerError,
    Control,
    expect,
    header,
    integer,
)
from ldap_bridge.ber_writer import element, number

SYNC_REQUEST: Final = "1.3.6.1.4.1.4203.1.9.1.1"
SYNC_STATE: Final = "1.3.6.1.4.1.4203.1.9.1.2"
SYNC_DONE: Final = "1.3.6.1.4.1.4203.1.9.1.3"
SYNC_INFO: Final = "1.3.6.1.4.1.4203.1.9.1.4"
# [MS-ADTS] 3.1.1.3.4.1.3 and 3.1.1.3.4.1.14
DIRSYNC: Final = "1.2.840.113556.1.4.841"
SHOW_DELETED: Final = "1.2.840.113556.1.4.417"

PRESENT, ADD, MODIFY, DELETE = range(4)
_REFRESH_ONLY: Final = 1
_NEW_COOKIE, _REFRESH_DELETE, _REFRESH_PRESENT, _ID_SET = 0x80, 0xA1, 0xA2, 0xA3


@dataclass(frozen=True, slots=True)
class SyncState:
    """What an entry message says of its entry: its state and its entryUUID as text."""

    state: int
    uuid: str


@dataclass(frozen=True, slots=True)
class SyncInfo:
    """What a Sync Info Message says: some entries by id, which are there or gone, or a new cookie."""

    cookie: bytes | None = None
    uuids: tuple[str, ...] = ()
    gone: bool = False


@dataclass(frozen=True, slots=True)
class SyncDone:
    """How a refresh ended: the next cookie, and whether what is gone was named (else what is present was)."""

    cookie: bytes | None
    deletes: bool


@dataclass(frozen=True, slots=True)
class DirSyncDone:
    """DirSync's answer: whether there is more to ask for at once, and the next cookie."""

    more: bool
    cookie: bytes


def sync_request(cookie: bytes) -> bytes:
    """Encode a Sync Request for refreshOnly (RFC 4533 section 2.2); without a cookie everything is asked for."""
    content = element(ENUMERATED, bytes([_REFRESH_ONLY])) + (element(OCTETS, cookie) if cookie else b"")
    return element(SEQUENCE, content)


def dirsync_request(flags: int, most: int, cookie: bytes) -> bytes:
    """Encode a DirSync request ([MS-ADTS] 3.1.1.3.4.1.3): flags, octets wanted at most, and the cookie."""
    return element(SEQUENCE, number(flags) + number(most) + element(OCTETS, cookie))


def find_control(controls: tuple[Control, ...], oid: str) -> bytes | None:
    """Return the value of the control, or None when it did not come."""
    return next((control.value for control in controls if control.oid == oid), None)


def sync_state(value: bytes) -> SyncState:
    """Decode a Sync State control. Raises BerError."""
    tag, start, stop = header(value, 0, len(value))
    expect(tag, SEQUENCE, "a sync state")
    state, position = integer(value, start, stop, ENUMERATED)
    tag, start, stop = header(value, position, stop)
    expect(tag, OCTETS, "an entryUUID")
    return SyncState(state, _uuid(value[start:stop]))


def sync_done(value: bytes) -> SyncDone:
    """Decode a Sync Done control. Raises BerError."""
    tag, start, stop = header(value, 0, len(value))
    expect(tag, SEQUENCE, "a sync done")
    cookie, flag, _ = _cookie_and_flag(value, start, stop)
    return SyncDone(cookie, flag)


def sync_info(value: bytes) -> SyncInfo:
    """Decode a Sync Info Message (RFC 4533 section 2.5). Raises BerError."""
    tag, start, stop = header(value, 0, len(value))
    if tag == _NEW_COOKIE:
        return SyncInfo(value[start:stop])
    if tag in (_REFRESH_DELETE, _REFRESH_PRESENT):
        return SyncInfo(_cookie_and_flag(value, start, stop)[0])
    expect(tag, _ID_SET, "a sync info")
    cookie, gone, start = _cookie_and_flag(value, start, stop)
    tag, start, stop = header(value, start, stop)
    expect(tag, SET, "a set of ids")
    uuids = []
    while start < stop:
        tag, content, start = header(value, start, stop)
        expect(tag, OCTETS, "an id")
        uuids.append(_uuid(value[content:start]))
    return SyncInfo(cookie, tuple(uuids), gone)


def dirsync_done(value: bytes) -> DirSyncDone:
    """Decode DirSync's answer. Raises BerError."""
    tag, start, stop = header(value, 0, len(value))
    expect(tag, SEQUENCE, "a DirSync answer")
    more, position = integer(value, start, stop)
    _, position = integer(value, position, stop)
    tag, start, stop = header(value, position, stop)
    expect(tag, OCTETS, "a DirSync cookie")
    return DirSyncDone(more != 0, value[start:stop])


def _cookie_and_flag(value: bytes, position: int, end: int) -> tuple[bytes | None, bool, int]:
    """Read an optional cookie and a boolean, false when it is left out; return where they end, too."""
    cookie, flag = None, False
    while position < end:
        tag, start, stop = header(value, position, end)
        if tag == OCTETS:
            cookie = value[start:stop]
        elif tag == BOOLEAN:
            flag = any(value[start:stop])
        else:
            break
        position = stop
    return cookie, flag, position


def _uuid(octets: bytes) -> str:
    if len(octets) != 16:
        raise BerError("an entryUUID is not of sixteen octets")
    return str(UUID(bytes=octets))
