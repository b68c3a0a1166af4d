"""Which process of which machine this is, and whether another one of the same machine has ended."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

_PROC: Final = Path("/proc")
# Positions in /proc/PID/stat behind the name, which may hold anything (proc(5): 3 is the state, 22 the start).
_STATE, _START = 0, 19
_ENDED: Final = frozenset("ZX")


class Processes(Protocol):
    """Knows the processes of one machine."""

    @property
    def mark(self) -> str:
        """What this process leaves behind to be known by, "" for nothing."""
        ...

    def has_ended(self, mark: str) -> bool:
        """Tell whether the process that left this mark is known to have ended; of most machines nothing is known."""
        ...


class UnknownProcesses:
    """Knows of no process whether it has ended."""

    mark = ""

    def has_ended(self, mark: str) -> bool:
        """Say no."""
        return False


@dataclass(frozen=True, slots=True)
class LinuxProcesses:
    """Processes by number and start, within one boot of one machine and one namespace of numbers: a container's own."""

    place: str
    mark: str

    def has_ended(self, mark: str) -> bool:
        """Tell whether no process has that number any more, or one that began at another moment, or is a zombie."""
        place, _, process = mark.partition("/")
        number, _, start = process.partition("/")
        if not start or place != self.place:
            return False
        try:
            os.kill(int(number), 0)
        except ProcessLookupError:
            return True
        except PermissionError:
            pass
        found = _stat(int(number))
        return found is not None and (found[1] != start or found[0] in _ENDED)


def processes() -> Processes:
    """Return what is known of this machine's processes."""
    found = _stat(os.getpid())
    try:
        boot = (_PROC / "sys/kernel/random/boot_id").read_text().strip()
        space = (_PROC / "self/ns/pid").readlink().name
    except OSError:
        found = None
    if found is None:
        return UnknownProcesses()
    place = f"{boot} {space}"
    return LinuxProcesses(place, f"{place}/{os.getpid()}/{found[1]}")


def _stat(number: int) -> tuple[str, str] | None:
    """Return a process's state and start, or None where that cannot be seen."""
    try:
        fields = (_PROC / str(number) / "stat").read_text().rpartition(")")[2].split()
    except (OSError, ValueError):
        return None
    return fields[_STATE], fields[_START]
