"""What the store remembers of the key that its secrets are encrypted under: its name, never the key."""

from typing import Any, Final

from idp.auth.credentials import FACTORS
from idp.auth.sealing import Sealer
from idp.auth.setup import SETTINGS
from idp.errors import NotUnique, VersionMismatch
from idp.query import EVERYTHING
from idp.store.contract import Insert, Record, Replace, Store
from idp.store.pages import every

_ID: Final = "secret-key"


class KeyMark:
    """Compares the keys at hand with the one that the store was last used with."""

    def __init__(self, store: Store, sealer: Sealer) -> None:
        self._store = store
        self._sealer = sealer

    async def is_known(self) -> bool:
        """Tell whether the store's key is at hand; the newest of ours is remembered when it is, or there was none."""
        record = await self._store.get(SETTINGS, _ID)
        if record is not None and record.document["key"] not in self._sealer.ids:
            return False
        if record is None or record.document["key"] != self._sealer.ids[0]:
            return await self._adopt(record)
        return True

    async def _adopt(self, record: Record | None) -> bool:
        """Remember the newest key in place of what was read; tells whether it, or another of ours, is remembered."""
        document: dict[str, Any] = {"id": _ID, "key": self._sealer.ids[0]}
        try:
            await self._store.commit(
                [Replace(SETTINGS, document, record.version) if record else Insert(SETTINGS, document)]
            )
        except (NotUnique, VersionMismatch):
            # Another worker or machine was first; with a rotated key either is right, with a key of its own none is.
            found = await self._store.get(SETTINGS, _ID)
            return found is not None and found.document["key"] in self._sealer.ids
        return True

    async def lost(self) -> int:
        """Return how many second factors are encrypted under keys that are not at hand; reads all of them.

        When there are none, nothing is lost, and the newest key is remembered from now on.
        """
        count = 0
        async for record in every(self._store, FACTORS, EVERYTHING):
            count += record.document.get("sealed", "").partition(".")[0] not in self._sealer.ids
        if not count:
            await self._adopt(await self._store.get(SETTINGS, _ID))
        return count
