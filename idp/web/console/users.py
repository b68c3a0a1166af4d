"""Users in the console: the list, one of them, and what can be done to one."""

from dataclasses import replace
from typing import Final
from urllib.parse import quote

from aiohttp import web

from idp.access import Actor, Area, Target, Verb, decide
from idp.auth.people import has_local_password
from idp.directory import Resource
from idp.http.actor import actor_of
from idp.http.keys import FACTORS, PASSWORDS, REGISTRY, USERS
from idp.schema import USER
from idp.web.console.events import events_about
from idp.web.console.listing import Columns, listing
from idp.web.forms import read_form
from idp.web.gate import redirect
from idp.web.people import Person, facts, person
from idp.web.rendering import render

COLUMNS: Final = Columns(
    sortable={
        "name": USER.resolve("displayName").field,
        "login": USER.resolve("userName").field,
        "changed": USER.resolve("meta.lastModified").field,
    },
    searched=[
        USER.resolve(path).field
        for path in ("userName", "displayName", "name.familyName", "name.givenName", "emails.value")
    ],
)


async def index(request: web.Request) -> web.StreamResponse:
    """Show the list."""
    wanted = listing("/admin/users", COLUMNS, request.query)
    page = await request.app[USERS].find(actor_of(request), wanted.query())
    rows = [person(record.document) for record in page.records]
    return render(request, "console/users.html", {"listing": wanted.shown(rows, page.total)})


async def show(request: web.Request) -> web.StreamResponse:
    """Show one user."""
    actor, users, user_id = actor_of(request), request.app[USERS], _id(request)
    resource = await users.get(actor, user_id)
    user = person(resource.document)
    context = {
        "user": user,
        "may": _permissions(actor, user, resource),
        "attributes": facts(request.app[REGISTRY].resource_types["User"], resource.document),
        "totp": "totp" in await request.app[FACTORS].kinds(user_id),
        "groups": (await users.groups_of([user_id])).get(user_id, []),
        "events": await events_about(request, user_id),
    }
    return render(request, "console/user.html", context)


async def enable(request: web.Request) -> web.StreamResponse:
    """Let the person in again."""
    await request.app[USERS].set_active(actor_of(request), _id(request), True, "enabled in the console")
    return _back(request, "user-enabled")


async def disable(request: web.Request) -> web.StreamResponse:
    """Keep the person out from now on."""
    form = await read_form(request)
    await request.app[USERS].set_active(
        actor_of(request), _id(request), False, form.text("reason") or "disabled in the console"
    )
    return _back(request, "user-disabled")


async def reset_factor(request: web.Request) -> web.StreamResponse:
    """Void the person's second step."""
    await request.app[FACTORS].reset(actor_of(request), _id(request))
    return _back(request, "factor-reset")


async def send_password_link(request: web.Request) -> web.StreamResponse:
    """Mail the person a link to choose a new password."""
    await request.app[PASSWORDS].send_reset(actor_of(request), _id(request))
    return _back(request, "link-sent")


def _id(request: web.Request) -> str:
    return request.match_info["id"]


def _back(request: web.Request, notice: str) -> web.StreamResponse:
    return redirect(f"/admin/users/{quote(_id(request), safe='')}?notice={notice}")


def _permissions(actor: Actor, user: Person, resource: Resource) -> dict[str, bool]:
    """Return which buttons to show; the services ask again."""
    target = Target(user.id, user.role)
    own = actor.id == user.id
    switch = decide(actor, Verb.UPDATE, Area.USERS, replace(target, fields=frozenset({"active"}))).allowed
    return {
        "enable": switch,
        "disable": switch and not own,
        "reset_factor": not own and decide(actor, Verb.RESET_MFA, Area.USERS, target).allowed,
        "send_link": bool(user.mail)
        and has_local_password(resource)
        and decide(actor, Verb.RESET_PASSWORD, Area.USERS, target).allowed,
    }
