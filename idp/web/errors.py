"""Errors as pages: one table from what went wrong to a status; the template has the words."""

from collections.abc import Mapping
from typing import Final

from aiohttp import web

from idp import errors
from idp.auth.assurance import StaleLogin
from idp.http.faults import status_of
from idp.http.middleware import REQUEST_ID
from idp.web.forms import NotOurForm
from idp.web.rendering import render

# Programs ask here and get their own form of answer.
_FOR_PROGRAMS: Final = ("/scim/", "/healthz", "/readyz", "/metrics")
_STATUS: Final[Mapping[type[Exception], int]] = {
    errors.NotFound: 404,
    errors.PermissionDenied: 403,
    errors.NotAuthenticated: 403,
    NotOurForm: 403,
    errors.RateLimited: 429,
    errors.VersionMismatch: 409,
    errors.NotUnique: 409,
}


def fault_page(request: web.Request, error: Exception) -> web.StreamResponse:
    """Answer an error with a page; of the inside it tells nothing but the request's id."""
    if isinstance(error, StaleLogin):
        return web.Response(status=303, headers={"Location": "/login?again&notice=again"})
    status = next((status for kind, status in _STATUS.items() if isinstance(error, kind)), status_of(error))
    key = "form" if isinstance(error, NotOurForm) else str(status)
    retry_after = error.retry_after if isinstance(error, errors.RateLimited | errors.RemoteError) else None
    reason = str(error) if isinstance(error, errors.CallerError) else ""
    response = _page(request, status, key, reason=reason, retry_after=retry_after)
    if retry_after is not None:
        response.headers["Retry-After"] = str(retry_after)
    return response


def lost_page(request: web.Request, answer: web.HTTPException) -> web.StreamResponse:
    """Answer unknown paths and wrong methods with a page, where people are likely to have asked."""
    if not isinstance(answer, web.HTTPNotFound | web.HTTPMethodNotAllowed) or request.path.startswith(_FOR_PROGRAMS):
        return answer
    response = _page(request, answer.status, str(answer.status))
    if "Allow" in answer.headers:
        response.headers["Allow"] = answer.headers["Allow"]
    return response


def _page(
    request: web.Request, status: int, key: str, *, reason: str = "", retry_after: int | None = None
) -> web.Response:
    context = {
        "status": status,
        "key": key,
        "reason": f"{reason[:1].upper()}{reason[1:]}." if reason else "",
        "retry_after": retry_after,
        "reference": request.get(REQUEST_ID, "") if status >= 500 else "",
    }
    return render(request, "error.html", context, status=status)
