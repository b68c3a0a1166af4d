"""What happened, as the console shows it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from aiohttp import web

from idp.access import Area, Verb, decide
from idp.http.actor import actor_of
from idp.http.keys import AUDIT, GROUPS, USERS
from idp.query import Compare, Document, Field, In, Kind, Op, Or, Query
from idp.schema import GROUP, USER
from idp.web.console.listing import Columns, listing
from idp.web.people import person, team
from idp.web.rendering import render
from idp.web.texts import words

RECENT: Final = 8
COLUMNS: Final = Columns(sortable={"at": Field(("at",), Kind.DATETIME)}, descending=True)
# Names stand at the event's head, ids of members say nothing to people.
_SAID_ALREADY: Final = frozenset({"userName", "displayName", "added", "removed"})
_TARGET, _ACTOR = Field(("target",)), Field(("actor",))


@dataclass(frozen=True, slots=True)
class Event:
    """One event with its names filled in; `link` leads to the account or group it was about."""

    at: str
    tag: str
    actor: str
    target: str
    link: str
    address: str
    details: str


async def index(request: web.Request) -> web.StreamResponse:
    """Show the newest."""
    wanted = listing("/admin/events", COLUMNS, request.query)
    page = await request.app[AUDIT].find(actor_of(request), wanted.query())
    rows = await _named(request, [record.document for record in page.records])
    return render(request, "console/events.html", {"listing": wanted.shown(rows, page.total)})


async def events_about(request: web.Request, id: str) -> list[Event]:
    """Return the newest events that somebody did or that were done to them; none to who may not see events."""
    actor = actor_of(request)
    if not decide(actor, Verb.READ, Area.AUDIT).allowed:
        return []
    either = Or((Compare(_TARGET, Op.EQ, id), Compare(_ACTOR, Op.EQ, id)))
    page = await request.app[AUDIT].find(actor, Query(either, limit=RECENT, total=False))
    return await _named(request, [record.document for record in page.records])


async def _named(request: web.Request, documents: Sequence[Document]) -> list[Event]:
    links = await _links(request, {str(document["target"]) for document in documents})
    return [_event(document, links) for document in documents]


async def _links(request: web.Request, ids: Iterable[str]) -> dict[str, tuple[str, str]]:
    """Return name and address of those targets that are users or groups: two reads, however many events."""
    actor, wanted = actor_of(request), tuple(ids)
    users = await request.app[USERS].find(actor, _those(USER.resolve("id").field, wanted))
    groups = await request.app[GROUPS].find(actor, _those(GROUP.resolve("id").field, wanted))
    return {
        **{each.id: (person(each.document).name, f"/admin/users/{each.id}") for each in users.records},
        **{each.id: (team(each.document).name, f"/admin/groups/{each.id}") for each in groups.records},
    }


def _those(field: Field, ids: tuple[str, ...]) -> Query:
    return Query(In(field, ids), limit=max(1, len(ids)), total=False)


def _event(document: Document, links: dict[str, tuple[str, str]]) -> Event:
    target = str(document["target"])
    name, link = links.get(target, (target, ""))
    return Event(
        at=str(document["at"]),
        tag=str(document["tag"]),
        actor=str(document.get("actorName") or document.get("actor") or "nobody"),
        target=name,
        link=link,
        address=str(document.get("address", "")),
        details=", ".join(_details(document.get("details") or {})),
    )


def _details(details: Mapping[str, Any]) -> Iterator[str]:
    for key, value in details.items():
        if key not in _SAID_ALREADY:
            text = " ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
            yield f"{words(key).lower()}: {text}"
