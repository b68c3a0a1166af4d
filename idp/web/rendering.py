"""Templates into answers: one environment, and what every page knows."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import aiohttp_jinja2
import jinja2
from aiohttp import web

from idp.access import Area, Verb, decide
from idp.http.actor import ACTOR
from idp.http.keys import CONFIG
from idp.web.forms import form_token
from idp.web.keys import ASSETS, SESSION
from idp.web.people import person
from idp.web.texts import FILTERS


@dataclass(frozen=True, slots=True)
class Tab:
    """An entry of the main navigation, for those who may read its area."""

    path: str
    title: str
    icon: str
    area: Area | None = None


TABS: Final = (
    Tab("/account", "Account", "person"),
    Tab("/admin/users", "Users", "people", Area.USERS),
    Tab("/admin/groups", "Groups", "group", Area.GROUPS),
    Tab("/admin/events", "Events", "pulse", Area.AUDIT),
)


def prepare(app: web.Application) -> None:
    """Give the application its template environment."""
    aiohttp_jinja2.setup(
        app,
        loader=jinja2.PackageLoader("idp.web"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        filters=dict(FILTERS),
    )


def render(
    request: web.Request, template: str, context: Mapping[str, Any] | None = None, *, status: int = 200
) -> web.Response:
    """Answer with a page."""
    return aiohttp_jinja2.render_template(template, request, {**_shared(request), **(context or {})}, status=status)


def _shared(request: web.Request) -> dict[str, Any]:
    session = request.get(SESSION)
    return {
        "request": request,
        "issuer": request.app[CONFIG].login.issuer,
        "static": request.app[ASSETS].path,
        "csrf_token": form_token(request),
        "notice_key": request.query.get("notice", ""),
        "me": person(session.user.document) if session else None,
        "tabs": [tab for tab in TABS if _is_open(request, tab)],
        "section": next((tab.path for tab in TABS if request.path.startswith(tab.path)), ""),
    }


def _is_open(request: web.Request, tab: Tab) -> bool:
    actor = request.get(ACTOR)
    return actor is not None and (tab.area is None or decide(actor, Verb.READ, tab.area).allowed)
