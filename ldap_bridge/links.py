"""Links: which account or group belongs to which directory entry, and what the entry was when last seen."""

from collections.abc import AsyncIterator, Collection
from typing import Any, Final

import msgspec

from idp.query import And, Compare, Field, In, Kind, Op, Query
from idp.store.contract import Delete, Insert, Record, Replace, Store, Write
from idp.store.pages import every, pages
from ldap_bridge.dn import key_or_text
from ldap_bridge.parts import parts

COLLECTION: Final = "ldap_links"
_SOURCE: Final = Field(("source",))
_RESOURCE: Final = Field(("resource",))
_REF: Final = Field(("ref",))
_BOSS: Final = Field(("boss",))
_GONE: Final = Field(("gone",), Kind.DATETIME)
_DUE: Final = Field(("due",), Kind.DATETIME)
_PAGE: Final = 1000
_TOGETHER: Final = 500


class Link(msgspec.Struct, array_like=True, gc=False):
    """One link as stored. `active` is what the directory said last, `gone` since when the entry is not there.

    `restore` tells whether the account was active when its entry went. `members` stands for a group's members,
    and `raw` for a person's entry as it was read, mapping included: an entry that is the same needs no mapping
    before `due`, when time alone may change `active`; "" stands for never. `boss` is the DN key by which the entry
    names its manager, and `manager` the account that this was.
    """

    version: int
    kind: str
    stable: str
    resource: str
    dn: str
    digest: str
    active: bool | None = None
    gone: str = ""
    restore: bool = False
    members: str = ""
    raw: str = ""
    due: str = ""
    boss: str = ""
    manager: str = ""

    @property
    def dn_key(self) -> str:
        """The DN as it compares."""
        return key_or_text(self.dn)


class Links:
    """The links of one source: read from the store, written in the commits of what they link."""

    def __init__(self, store: Store, source: str) -> None:
        self._store = store
        self._source = source

    async def all(self) -> AsyncIterator[list[Link]]:
        """Yield every link of the source, some at a time."""
        async for records in pages(self._store, COLLECTION, Compare(_SOURCE, Op.EQ, self._source), _PAGE):
            yield [_link(record) for record in records]

    async def count(self) -> int:
        """Return how many links the source has."""
        return await self._store.count(COLLECTION, Compare(_SOURCE, Op.EQ, self._source))

    async def of_stables(self, kind: str, stables: Collection[str]) -> list[Link]:
        """Return the links of entries by their stable ids, as far as there are any."""
        ids, found = [f"{self._source}:{kind}:{stable}" for stable in stables], list[Link]()
        for some in parts(ids, _TOGETHER):
            records = await self._store.get_many(COLLECTION, some)
            found += [_link(record) for record in records.values()]
        return found

    async def of_refs(self, refs: Collection[str]) -> list[Link]:
        """Return the links of entries that were last seen under these DN keys."""
        return await self._among(_REF, refs)

    async def due(self, now: str) -> list[str]:
        """Return the stable ids of people whose state time alone may have changed by now."""
        return [link.stable for link in await self._until(_DUE, now)]

    async def gone_until(self, moment: str) -> list[Link]:
        """Return the links of people who have been gone since this moment or longer."""
        return await self._until(_GONE, moment)

    async def _until(self, field: Field, moment: str) -> list[Link]:
        wanted = And((Compare(_SOURCE, Op.EQ, self._source), Compare(field, Op.LE, moment)))
        return [_link(record) async for record in every(self._store, COLLECTION, wanted)]

    async def of_bosses(self, refs: Collection[str]) -> list[Link]:
        """Return the links of people who name one of these DN keys as their manager."""
        return await self._among(_BOSS, refs)

    async def of_resources(self, resources: Collection[str]) -> list[Link]:
        """Return the links of accounts and groups, as far as these come from this source."""
        return await self._among(_RESOURCE, resources)

    async def _among(self, field: Field, values: Collection[str]) -> list[Link]:
        found = list[Link]()
        for some in parts(tuple(values), _TOGETHER):
            # Larger pages, since several may hold the same: a manager has many reports.
            async for records in pages(self._store, COLLECTION, In(field, tuple(some)), 2 * _TOGETHER):
                found += [_link(record) for record in records if record.document["source"] == self._source]
        return found

    async def of_resource(self, resource: str) -> Link | None:
        """Return the link of an account, or None when it does not come from this source."""
        query = Query(Compare(_RESOURCE, Op.EQ, resource), limit=10, total=False)
        for record in (await self._store.find(COLLECTION, query)).records:
            if record.document["source"] == self._source:
                return _link(record)
        return None

    def write(self, link: Link) -> Write:
        """Return the write that stores a link; its version is 0 when it is new."""
        document: dict[str, Any] = {
            "id": self._id(link),
            "source": self._source,
            "kind": link.kind,
            "stable": link.stable,
            "resource": link.resource,
            "dn": link.dn,
            "ref": link.dn_key,
            "digest": link.digest,
            "active": link.active,
            # Without a value it is in no index, which is nearly always.
            "gone": link.gone or None,
            "restore": link.restore,
            "members": link.members,
            "raw": link.raw,
            "due": link.due or None,
            "boss": link.boss or None,
            "manager": link.manager,
        }
        return Replace(COLLECTION, document, link.version) if link.version else Insert(COLLECTION, document)

    def removal(self, link: Link) -> Write:
        """Return the write that removes a link."""
        return Delete(COLLECTION, self._id(link), link.version)

    def _id(self, link: Link) -> str:
        return f"{self._source}:{link.kind}:{link.stable}"


def _link(record: Record) -> Link:
    document = record.document
    return Link(
        record.version,
        document["kind"],
        document["stable"],
        document["resource"],
        document["dn"],
        # A link from before entries were known by what was read of them is written anew.
        document["digest"] if "raw" in document else "",
        document["active"],
        document["gone"] or "",
        document["restore"],
        document["members"],
        document.get("raw", ""),
        document.get("due") or "",
        document.get("boss") or "",
        document.get("manager", ""),
    )
