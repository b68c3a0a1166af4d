"""Stores of every backend, for test folders that run over all of them or over one."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Final

from idp.clock import Clock
from idp.errors import RemoteError
from idp.query import Field, Kind
from idp.store import Collection, Settings, Store, open_store
from tests.support.mongod import emptied
from tests.support.process import PATIENCE

if TYPE_CHECKING:  # processes that tests start and kill by the dozen come up faster without it
    import pytest

# SQLite, and MongoDB through each of its two drivers.
BACKENDS: Final = ("sqlite", "pymongo", "motor")

USER_NAME: Final = Field(("userName",), case_exact=False)
CODE: Final = Field(("code",))
MAIL: Final = Field(("emails", "value"), case_exact=False)
AGE: Final = Field(("age",), Kind.NUMBER)
ACTIVE: Final = Field(("active",), Kind.BOOLEAN)
BORN: Final = Field(("meta", "born"), Kind.DATETIME)
TAGS: Final = Field(("tags",))
OWNER: Final = Field(("owner",))
NAME: Final = Field(("name",), case_exact=False)

# Small collections with a field of every kind; what they are called means nothing to a store.
SAMPLES: Final[Mapping[str, Collection]] = {
    "people": Collection(
        "people", (USER_NAME, CODE, MAIL, AGE, ACTIVE, BORN, TAGS), (USER_NAME, TAGS), lists=(MAIL, TAGS), stamped=True
    ),
    "passes": Collection("passes", (OWNER, NAME), (NAME,), expires="expires", stamped=True),
    "plain": Collection("plain"),
}


# Nobody is to be too late: what a busy machine takes long for is not what a test is about.
PATIENT: Final = Settings(timeout=PATIENCE)


def url_of(
    backend: str, request: "pytest.FixtureRequest", directory: Path, database: str = "kept_mongo_database"
) -> str:
    """Return the URL of an empty store of this backend; MongoDB is started when it is the first to need it.

    `database` is the fixture that keeps a database for stores of one declaration; by default for the product's own.
    """
    if backend == "sqlite":
        return f"sqlite:{directory / 'store.sqlite'}"
    return emptied(request.getfixturevalue(database), request.getfixturevalue("mongo_uri"), backend)


def new_url_of(backend: str, request: "pytest.FixtureRequest", directory: Path) -> str:
    """Return the same for a test that declares collections anew; making them takes a while."""
    if backend == "sqlite":
        return f"sqlite:{directory / 'store.sqlite'}"
    uri: str = request.getfixturevalue("mongo_database_uri")
    return f"{uri}{'&' if '?' in uri else '?'}driver={backend}"


class Stores:
    """Opens stores over the same data, as several processes would, and closes them at the end."""

    def __init__(self, url: str, clock: Clock, at_end: AsyncExitStack) -> None:
        self.url = url
        self._clock = clock
        self._at_end = at_end

    async def open(self, collections: Mapping[str, Collection] = SAMPLES, settings: Settings | None = None) -> Store:
        """Open one more store."""
        store = await open_store(self.url, collections, self._clock, settings or PATIENT)
        self._at_end.push_async_callback(store.close)
        return store


async def opened(url: str, clock: Clock) -> AsyncIterator[Stores]:
    """Yield what opens stores at the URL; the body of a fixture."""
    async with AsyncExitStack() as at_end:
        yield Stores(url, clock, at_end)


async def ready(store: Store) -> None:
    """Return when the store takes writes."""
    async with asyncio.timeout(PATIENCE):
        while True:
            try:
                return await store.check()
            except RemoteError:
                await asyncio.sleep(0.05)
