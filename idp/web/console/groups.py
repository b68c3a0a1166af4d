"""Groups in the console: the list, and one with its members."""

from typing import Final

from aiohttp import web

from idp.http.actor import actor_of
from idp.http.keys import GROUPS
from idp.schema import GROUP
from idp.web.console.listing import Columns, listing
from idp.web.people import team
from idp.web.rendering import render

MEMBERS: Final = 100
COLUMNS: Final = Columns(
    sortable={
        "name": GROUP.resolve("displayName").field,
        "changed": GROUP.resolve("meta.lastModified").field,
    },
    searched=[GROUP.resolve("displayName").field],
)


async def index(request: web.Request) -> web.StreamResponse:
    """Show the list."""
    wanted = listing("/admin/groups", COLUMNS, request.query)
    page = await request.app[GROUPS].find(actor_of(request), wanted.query())
    rows = [team(record.document) for record in page.records]
    return render(request, "console/groups.html", {"listing": wanted.shown(rows, page.total)})


async def show(request: web.Request) -> web.StreamResponse:
    """Show one group; members are read on from one to the next, which costs the same on every page."""
    groups, group_id = request.app[GROUPS], request.match_info["id"]
    resource = await groups.get(actor_of(request), group_id)
    after = request.query.get("after")
    members = await groups.members_page(group_id, after, MEMBERS)
    context = {
        "group": team(resource.document),
        "members": members,
        "after": after,
        "more": members[-1]["value"] if len(members) == MEMBERS else None,
    }
    return render(request, "console/group.html", context)
