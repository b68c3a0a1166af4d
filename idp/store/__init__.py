"""Persistence: the contract and its two backends, chosen by URL."""

from collections.abc import Mapping
from pathlib import Path

from idp.clock import Clock
from idp.errors import ConfigError
from idp.store.contract import (
    Check,
    Collection,
    Delete,
    DeleteWhere,
    Insert,
    Page,
    Record,
    Replace,
    Settings,
    Store,
    Write,
)

__all__ = [
    "Check",
    "Collection",
    "Delete",
    "DeleteWhere",
    "Insert",
    "Page",
    "Record",
    "Replace",
    "Settings",
    "Store",
    "Write",
    "open_store",
]

_DEFAULTS = Settings()


async def open_store(
    url: str, collections: Mapping[str, Collection], clock: Clock, settings: Settings = _DEFAULTS
) -> Store:
    """Open the store at `sqlite:PATH`. Raises ConfigError when the URL or what it names is not usable."""
    scheme, _, rest = url.partition(":")
    if scheme == "sqlite" and rest:
        from idp.store.sqlite.store import open_sqlite

        return await open_sqlite(Path(rest), collections, clock, settings)
    raise ConfigError("store.url", "must be sqlite:PATH")
