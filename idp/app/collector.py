"""When Python looks for garbage in cycles: not among what stays, and seldom."""

import gc
from typing import Final

# Objects made and not yet let go of. Documents and plans hold thousands without a single cycle; by Python's own 700, a
# fifth of an import went into looking.
_NEW_OBJECTS: Final = 20_000


def collect_seldom() -> None:
    """Let the collector run from now on; nothing of what is loaded by now will ever be garbage."""
    gc.freeze()
    gc.set_threshold(_NEW_OBJECTS)
    gc.enable()
