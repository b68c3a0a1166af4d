"""The table of pages, and how they are put into an application."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from aiohttp import web

from idp.http.faults import LOST_FORM
from idp.http.keys import CONFIG
from idp.web import account, console, errors, first_admin, leave, login, recovery, second_step
from idp.web.assets import Assets
from idp.web.cookies import Cookies
from idp.web.gate import Access, Handler, guarded, redirect
from idp.web.keys import ASSETS, COOKIES, RANDOM
from idp.web.paths import HOME
from idp.web.rendering import prepare


@dataclass(frozen=True, slots=True)
class View:
    """One page or act: how it is asked for, who gets to it, and what answers."""

    method: str
    path: str
    access: Access
    handler: Handler


async def home(request: web.Request) -> web.StreamResponse:
    """Go to where everybody has something to see."""
    return redirect(HOME)


async def console_home(request: web.Request) -> web.StreamResponse:
    """Go to the console's first page."""
    return redirect("/admin/users")


VIEWS: Final = (
    View("GET", "/", Access.ANYBODY, home),
    View("GET", "/login", Access.ANYBODY, login.show),
    View("POST", "/login", Access.ANYBODY, login.submit),
    View("GET", "/logout", Access.SESSION, leave.show),
    View("POST", "/logout", Access.SESSION, leave.submit),
    View("GET", "/setup", Access.ANYBODY, first_admin.show),
    View("POST", "/setup", Access.ANYBODY, first_admin.submit),
    View("GET", "/forgot", Access.ANYBODY, recovery.show_forgot),
    View("POST", "/forgot", Access.ANYBODY, recovery.submit_forgot),
    View("GET", "/reset", Access.ANYBODY, recovery.show_reset),
    View("POST", "/reset", Access.ANYBODY, recovery.submit_reset),
    View("POST", "/recovery-codes.txt", Access.ANYBODY, second_step.download_codes),
    View("GET", "/account", Access.SESSION, account.show),
    View("GET", "/account/password", Access.SESSION, account.show_password),
    View("POST", "/account/password", Access.SESSION, account.submit_password),
    View("POST", "/account/sessions/end", Access.SESSION, account.end_session),
    View("POST", "/account/sessions/end-others", Access.SESSION, account.end_other_sessions),
    View("GET", "/account/totp", Access.SESSION, second_step.show_totp),
    View("POST", "/account/totp/begin", Access.SESSION, second_step.begin_totp),
    View("POST", "/account/totp", Access.SESSION, second_step.confirm_totp),
    View("GET", "/account/totp/off", Access.SESSION, second_step.show_off),
    View("POST", "/account/totp/off", Access.SESSION, second_step.submit_off),
    View("GET", "/account/recovery-codes", Access.SESSION, second_step.show_recovery),
    View("POST", "/account/recovery-codes", Access.SESSION, second_step.submit_recovery),
    View("GET", "/admin", Access.SESSION, console_home),
    View("GET", "/admin/users", Access.SESSION, console.users.index),
    View("GET", "/admin/users/{id}", Access.SESSION, console.users.show),
    View("POST", "/admin/users/{id}/enable", Access.SESSION, console.users.enable),
    View("POST", "/admin/users/{id}/disable", Access.SESSION, console.users.disable),
    View("POST", "/admin/users/{id}/reset-factor", Access.SESSION, console.users.reset_factor),
    View("POST", "/admin/users/{id}/password-link", Access.SESSION, console.users.send_password_link),
    View("GET", "/admin/groups", Access.SESSION, console.groups.index),
    View("GET", "/admin/groups/{id}", Access.SESSION, console.groups.show),
    View("GET", "/admin/events", Access.SESSION, console.events.index),
)


def setup(app: web.Application, random: Callable[[int], bytes]) -> None:
    """Add the pages to an application that has the services of `idp.http.keys`.

    Errors become pages through `idp.web.errors.fault_page`, to be registered for "/" in FAULT_FORMS.
    """
    app[RANDOM] = random
    app[ASSETS] = Assets()
    app[COOKIES] = Cookies(secure=app[CONFIG].public_url.startswith("https:"))
    prepare(app)
    app[LOST_FORM] = errors.lost_page
    app.router.add_get("/static/{name}", app[ASSETS].serve)
    for view in VIEWS:
        # aiohttp answers HEAD like GET only when asked to.
        methods = ("GET", "HEAD") if view.method == "GET" else (view.method,)
        for method in methods:
            app.router.add_route(method, view.path, guarded(view.handler, view.access))
