"""Mutated LDAP messages through the reader: it answers with messages or its own error, soon, and keeps little."""

import os
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cache
from random import Random
from typing import Any, Final

from ldap_bridge.ber import BerError, Decoder, EntryMessage, IntermediateMessage, Message, ResultMessage, paged_cookie
from ldap_bridge.ber_writer import element, number
from ldap_bridge.bind_answers import PASSWORD_POLICY, verdict_of
from ldap_bridge.sync_controls import (
    DIRSYNC,
    SYNC_DONE,
    SYNC_INFO,
    SYNC_STATE,
    dirsync_done,
    find_control,
    sync_done,
    sync_info,
    sync_state,
)
from tests.support.ldap_wire import (
    encode_bind_response,
    encode_control,
    encode_dirsync,
    encode_done,
    encode_entry,
    encode_notice,
    encode_reference,
)

MAX_MESSAGE: Final = 1 << 16
SLOW: Final = 1.0
"""Seconds of the processor for one message of some kilobytes: a thousand times what any of them takes."""
_TELLING: Final = bytes((0, 1, 2, 4, 0x0A, 0x30, 0x31, 0x64, 0x65, 0x7F, 0x80, 0x81, 0x82, 0x84, 0xA0, 0xFE, 0xFF))


@dataclass
class Report:
    """What came of a fuzz; a finding is sent again by its number and the seed."""

    seed: int
    sent: int = 0
    messages: int = 0
    refused: int = 0
    slowest: float = 0.0
    findings: list[dict[str, Any]] = field(default_factory=list)

    def summary(self) -> dict[str, Any]:
        """Return it for people and programs."""
        return vars(self).copy()


def fuzz(seed: int, numbers: Iterable[int], told: Callable[[Report], None] = lambda _: None) -> Report:
    """Send these numbers' streams through fresh readers."""
    report = Report(seed)
    for each in numbers:
        octets = stream(seed, each)
        began = time.process_time()
        try:
            report.messages += read(octets, Random(each))
        except BerError:
            report.refused += 1
        except Exception as error:  # noqa: BLE001 (that there is no other is what this is about)
            report.findings.append({"number": each, "complaint": repr(error), "octets": octets[:2000].hex()})
        taken = time.process_time() - began
        report.slowest = max(report.slowest, taken)
        if taken > SLOW:
            report.findings.append({"number": each, "complaint": f"took {taken:.1f} s", "octets": octets[:2000].hex()})
        report.sent += 1
        if report.sent % 20_000 == 0:
            told(report)
    return report


def read(octets: bytes, chance: Random) -> int:
    """Read a stream cut in pieces, with everything that is read of its controls; returns how many messages came.

    Raises BerError, and AssertionError when more comes out than went in.
    """
    decoder, count, position = Decoder(MAX_MESSAGE), 0, 0
    size = chance.choice((1, 7, 100) if len(octets) < 1000 else (1000, len(octets)))
    while position < len(octets):
        for message in decoder.feed(octets[position : position + size]):
            _look_at(message, octets)
            count += 1
        position += size
        assert decoder.pending <= len(octets)
    return count


def _look_at(message: Message, octets: bytes) -> None:
    if isinstance(message, EntryMessage):
        assert all(value in octets for values in message.entry.attributes.values() for value in values)
        if value := find_control(message.controls, SYNC_STATE):
            sync_state(value)
    elif isinstance(message, ResultMessage):
        paged_cookie(message.controls)
        verdict_of(message)
        for oid, reader in ((SYNC_DONE, sync_done), (DIRSYNC, dirsync_done)):
            if value := find_control(message.controls, oid):
                reader(value)
    elif isinstance(message, IntermediateMessage) and message.oid == SYNC_INFO:
        sync_info(message.value)


def stream(seed: int, each: int) -> bytes:
    """Return the mutated octets of one number."""
    chance = Random(f"{seed}:{each}")
    octets = bytearray(b"".join(chance.choice(_corpus()) for _ in range(chance.randint(1, 3))))
    for _ in range(chance.choice((1, 1, 1, 2, 3, 8))):
        chance.choice(_MUTATIONS)(octets, chance)
    return bytes(octets)


def _flip(octets: bytearray, chance: Random) -> None:
    if octets:
        octets[chance.randrange(len(octets))] = chance.choice(_TELLING)


def _noise(octets: bytearray, chance: Random) -> None:
    if octets:
        octets[chance.randrange(len(octets))] = chance.randrange(256)


def _cut(octets: bytearray, chance: Random) -> None:
    start = chance.randrange(len(octets) + 1)
    del octets[start : start + chance.choice((1, 2, 10, len(octets)))]


def _repeat(octets: bytearray, chance: Random) -> None:
    start = chance.randrange(len(octets) + 1)
    octets[start:start] = octets[start : start + chance.choice((1, 4, 40))] * chance.choice((1, 3, 30))


def _oversize(octets: bytearray, chance: Random) -> None:
    start = chance.randrange(len(octets) + 1)
    octets[start:start] = bytes((0x84, *(chance.choice((0, 0x7F, 0xFF)) for _ in range(4))))


def _deepen(octets: bytearray, chance: Random) -> None:
    """Put everything into sequences in sequences."""
    inner = bytes(octets[:1000])
    for _ in range(chance.choice((2, 5, 50, 500))):
        inner = element(chance.choice((0x30, 0x31, 0xA0)), inner)
    octets[:] = inner


_MUTATIONS: Final = (_flip, _flip, _flip, _noise, _noise, _cut, _repeat, _oversize, _deepen)


@cache
def _corpus() -> tuple[bytes, ...]:
    """Every kind of message that the reader knows, whole."""
    uuid = bytes(range(16))
    state = element(0x30, number(1, 0x0A) + element(0x04, uuid) + element(0x04, b"rid=000"))
    ids = element(0xA3, element(0x04, b"c") + element(0x01, b"\xff") + element(0x31, element(0x04, uuid) * 3))
    info = element(0x79, element(0x80, SYNC_INFO.encode()) + element(0x81, ids))
    policy = bytes.fromhex("3008a003810103810100")
    entry = {"cn": [b"Ada"], "mail": [b"a@x", b"b@x"], "photo": [b"p" * 300], "member;range=0-1": [b"cn=a", b"cn=b"]}
    with_state = encode_entry("uid=ada,dc=example", {"cn": [b"Ada"]})
    return (
        encode_entry("uid=ada,dc=example", entry),
        _with_control(with_state, SYNC_STATE, state),
        encode_done(cookie=b"page"),
        encode_done(controls=[encode_control(SYNC_DONE, element(0x30, element(0x04, b"c") + element(0x01, b"\xff")))]),
        encode_done(controls=[encode_control(DIRSYNC, encode_dirsync(more=True, cookie=b"c"))]),
        encode_bind_response(
            49, "AcceptSecurityContext error, data 532, v", controls=[encode_control(PASSWORD_POLICY, policy)]
        ),
        encode_reference("ldap://elsewhere/dc=example"),
        encode_notice("going down"),
        element(0x30, number(7) + info),
    )


def _with_control(message: bytes, oid: str, value: bytes) -> bytes:
    """Return a short message with a control added."""
    body = message[2:] if message[1] < 0x80 else message[2 + (message[1] & 0x7F) :]
    control = element(0x30, element(0x04, oid.encode()) + element(0x04, value))
    return element(0x30, body + element(0xA0, control))


def new_seed() -> int:
    """Return a seed that nobody has chosen."""
    return int.from_bytes(os.urandom(4))
