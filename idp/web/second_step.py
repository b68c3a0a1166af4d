"""The second step of one's own account: set up an app, turn it off, make new recovery codes, keep codes as a file."""

import re
from collections.abc import Sequence
from typing import Any, Final

from aiohttp import web

from idp.errors import InvalidSyntax, InvalidValue
from idp.http.actor import client_address
from idp.http.keys import ENROLMENT
from idp.web.forms import read_form, sentence
from idp.web.gate import redirect
from idp.web.keys import session_of
from idp.web.login import REFUSED
from idp.web.paths import HOME
from idp.web.rendering import render

_CODE: Final = re.compile(r"[0-9a-z]{2,8}(-[0-9a-z]{2,8}){1,7}")
_MOST_CODES: Final = 100


async def show_totp(request: web.Request) -> web.StreamResponse:
    """Show the secret that waits to be confirmed."""
    return await _totp_page(request)


async def begin_totp(request: web.Request) -> web.StreamResponse:
    """Make a secret to be confirmed."""
    await request.app[ENROLMENT].totp_begin(session_of(request))
    return redirect("/account/totp")


async def confirm_totp(request: web.Request) -> web.StreamResponse:
    """Put the secret into force and show the recovery codes, this once."""
    form = await read_form(request)
    try:
        codes = await request.app[ENROLMENT].totp_confirm(
            session_of(request), form.text("code"), client_address(request)
        )
    except InvalidValue as error:
        return await _totp_page(request, sentence(error))
    return _codes_page(request, codes, renewed=False)


async def show_off(request: web.Request) -> web.StreamResponse:
    """Ask for password and code before the app is turned off."""
    return _prove_page(request, "totp_off")


async def submit_off(request: web.Request) -> web.StreamResponse:
    """Turn the app off."""
    form = await read_form(request)
    try:
        await request.app[ENROLMENT].totp_disable(
            session_of(request), form.secret("password"), form.text("code"), client_address(request)
        )
    except InvalidValue as error:
        return _prove_page(request, "totp_off", sentence(error))
    return redirect(f"{HOME}?notice=totp-off")


async def show_recovery(request: web.Request) -> web.StreamResponse:
    """Ask for a code before new recovery codes are made."""
    return _prove_page(request, "recovery")


async def submit_recovery(request: web.Request) -> web.StreamResponse:
    """Make new recovery codes and show them, this once."""
    form = await read_form(request)
    try:
        codes = await request.app[ENROLMENT].regenerate_recovery(
            session_of(request), form.text("code"), client_address(request)
        )
    except InvalidValue as error:
        return _prove_page(request, "recovery", sentence(error))
    return _codes_page(request, codes, renewed=True)


async def download_codes(request: web.Request) -> web.StreamResponse:
    """Send the codes of the page back as a file: only their hashes are kept, and a browser without script must do."""
    codes = [str(code) for code in (await request.post()).getall("code", [])]
    if not 0 < len(codes) <= _MOST_CODES or not all(_CODE.fullmatch(code) for code in codes):
        raise InvalidSyntax("these are not recovery codes")
    text = "".join(f"{code}\r\n" for code in codes)
    return web.Response(text=text, headers={"Content-Disposition": 'attachment; filename="recovery-codes.txt"'})


async def _totp_page(request: web.Request, error: str = "") -> web.StreamResponse:
    pending = await request.app[ENROLMENT].totp_pending(session_of(request))
    if pending is None:
        return redirect(HOME)
    context = {"enrolment": pending, "error": error}
    return render(request, "account/totp.html", context, status=REFUSED if error else 200)


def _prove_page(request: web.Request, kind: str, error: str = "") -> web.Response:
    context: dict[str, Any] = {"error": error}
    return render(request, f"account/{kind}.html", context, status=REFUSED if error else 200)


def _codes_page(request: web.Request, codes: Sequence[str], *, renewed: bool) -> web.Response:
    return render(request, "account/codes.html", {"codes": codes, "renewed": renewed})
