"""How many requests a client may make in a time: a bucket for each, in memory that workers can share.

The bucket is kept as one number, the moment until which what was asked for already is paid (the generic cell rate
algorithm of ATM): so a look and a change are one read and one write, and workers need no lock to share it. Two that
write in the same instant lose one request's count, which lets a client have one more than it should.
"""

import math
import re
import struct
from dataclasses import dataclass
from datetime import timedelta
from hashlib import blake2b
from mmap import mmap
from typing import Final

from idp.errors import InvalidValue

_FORM: Final = re.compile(r"([1-9][0-9]{0,6})/([1-9][0-9]{0,4})([smhd])")
_SECONDS: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
_SLOT: Final = struct.Struct("=Qd")
SLOTS: Final = 1_024
"""Clients that can be told apart; far more than anybody connects."""
SIZE: Final = SLOTS * _SLOT.size
# Beyond this many places that are taken, the next client shares the last one.
_PROBES: Final = 32


@dataclass(frozen=True, slots=True)
class Rate:
    """So many requests in such a time; all of them may come at once."""

    requests: int
    seconds: float

    @classmethod
    def parse(cls, text: str) -> "Rate":
        """Read `600/1m`. Raises InvalidValue."""
        found = _FORM.fullmatch(text)
        if found is None:
            raise InvalidValue("rate", "expected requests/time, like 600/1m or 50/1s")
        return cls(int(found[1]), timedelta(seconds=int(found[2]) * _SECONDS[found[3]]).total_seconds())

    def take(self, paid_until: float, now: float) -> tuple[float, int]:
        """Return until when is paid after one more request, and in how many seconds it may come: 0 for at once."""
        # A clock that was set back must not keep anybody out for longer than an empty bucket would.
        start = min(max(paid_until, now), now + self.seconds)
        after = start + self.seconds / self.requests
        early = after - now - self.seconds
        # A microsecond is nothing to wait for, and less than what is lost by adding up.
        return (after, 0) if early < 1e-6 else (start, math.ceil(early))


class Rates:
    """The buckets of all clients."""

    def __init__(self, memory: bytearray | mmap | None = None) -> None:
        """Keep them in memory of this process, unless given some of SIZE bytes that is all zero."""
        self._memory = bytearray(SIZE) if memory is None else memory
        self._places: dict[str, int] = {}

    @classmethod
    def of_processes(cls) -> "Rates":
        """Return buckets that this process shares with all that it forks from now on."""
        return cls(mmap(-1, SIZE))

    def take(self, client: str, rate: Rate, now: float) -> int:
        """Count one request; returns 0, or in how many seconds a client may come again that has had its share."""
        place = self._places.get(client)
        if place is None:
            if len(self._places) >= SLOTS:
                self._places.clear()
            place = self._places[client] = self._place(client)
        mark, paid_until = _SLOT.unpack_from(self._memory, place)
        after, wait = rate.take(paid_until, now)
        if not wait:
            _SLOT.pack_into(self._memory, place, mark, after)
        return wait

    def _place(self, client: str) -> int:
        """Return where the client's bucket is, found the same way by every process."""
        mark = int.from_bytes(blake2b(client.encode(), digest_size=8).digest()) | 1
        place = 0
        for probe in range(_PROBES):
            place = (mark + probe) % SLOTS * _SLOT.size
            found, _ = _SLOT.unpack_from(self._memory, place)
            if found == 0:
                _SLOT.pack_into(self._memory, place, mark, 0.0)
            if found in (0, mark):
                break
        return place
