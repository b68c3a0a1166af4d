"""Whether the disk has room for what is still to be written."""

import errno
from pathlib import Path
from tempfile import TemporaryFile
from typing import Final

from idp.errors import Unavailable
from idp.store.sqlite.database import NO_ROOM, WHAT

ROOM: Final = 1_048_576
"""Octets without which the disk counts as full: what is left goes with the next few commits."""
_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


def check_room(directory: Path) -> None:
    """Raise Unavailable when no file there can grow: the disk is full, or all that we may have of it is used."""
    try:
        # Asked of a file without a name that is gone with this: what is free says nothing of quotas and other limits.
        with TemporaryFile(dir=directory, prefix="room-") as file:
            file.write(bytes(ROOM))
            file.flush()
    except OSError as error:
        if error.errno in _FULL:
            raise Unavailable(WHAT, NO_ROOM) from error
