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
    """Open the store at `sqlite:PATH` or `mongodb://HOST/DATABASE` (with `?driver=motor` for the other driver).

    A MongoDB that is away is not waited for: the store works as soon as it comes. Raises ConfigError when the URL, or
    the file it names, is not usable.
    """
    scheme, _, rest = url.partition(":")
    # A backend is loaded when it is chosen: each brings a driver of several megabytes.
    if scheme == "sqlite" and rest:
        from idp.store.sqlite.store import open_sqlite

        return await open_sqlite(Path(rest), collections, clock, settings)
    if scheme in ("mongodb", "mongodb+srv"):
        from idp.store.mongo.store import MongoStore

        return MongoStore(url, collections, clock, settings)
    raise ConfigError("store.url", "must be sqlite:PATH or mongodb://HOST/DATABASE")
