"""What a run cannot hold in memory is in files without names, and comes back as it went in."""

import gc
import os
import resource
import signal
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from random import Random

import pytest

from idp.errors import Unavailable
from ldap_bridge.spool import Spool

LARGE = bytes(range(256)) * 4_000


def files_here() -> set[str]:
    """The open files of this process, by what they are and are called."""
    found = set()
    for opened in Path("/proc/self/fd").iterdir():
        with suppress(OSError):  # that of the folder itself is closed by now
            found.add(f"{opened.name} {opened.readlink()}")
    return found


@contextmanager
def no_more_than(size: int) -> Iterator[None]:
    """Let no file of this process grow beyond a size, as a full disk does."""
    before, handler = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


def test_records_of_all_sizes_come_back_by_their_places_and_in_their_order() -> None:
    random, spool = Random(7), Spool()
    records = [random.randbytes(random.choice((0, 1, 507, 508, 509, 5_000, 300_000))) for _ in range(60)]
    places = [spool.add(record) for record in records]
    assert [spool.read(place) for place in places] == records
    assert [*spool.each()] == [*zip(places, records, strict=True)]
    assert spool.size > sum(map(len, records))


def test_what_comes_while_the_records_are_gone_through_is_left_for_the_next_time() -> None:
    spool = Spool()
    for _ in range(3):
        spool.add(b"early")
    assert [record for _, record in spool.each() if spool.add(b"late" + LARGE)] == [b"early"] * 3
    assert len([*spool.each()]) == 6


def test_a_few_records_make_no_file() -> None:
    before = files_here()
    spool = Spool()
    spool.add(b"x" * 1_000)
    assert files_here() == before


def test_the_file_has_no_name_and_is_its_owners_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    before, spool = files_here(), Spool()
    spool.add(LARGE)
    (made,) = files_here() - before
    state = os.fstat(int(made.split()[0]))
    assert made.endswith("(deleted)")
    assert str(tmp_path) in made
    assert stat.S_IMODE(state.st_mode) == 0o600
    assert [*tmp_path.iterdir()] == []
    del spool
    gc.collect()
    assert files_here() == before


def test_a_full_disk_is_told_and_what_is_there_can_still_be_read() -> None:
    spool = Spool()
    place = spool.add(LARGE)
    with no_more_than(len(LARGE) + 100), pytest.raises(Unavailable, match="temporary files: File too large"):
        spool.add(LARGE)
    assert spool.read(place) == LARGE
