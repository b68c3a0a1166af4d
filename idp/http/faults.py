"""What goes wrong between a client and a handler, put in the domain's words: bodies, clients that leave, deadlines."""

import logging
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Final

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.web_protocol import RequestPayloadError

from idp.errors import CallerError, IdpError, InvalidSyntax, RemoteError, TooLarge

FaultForm = Callable[[web.Request, Exception], web.StreamResponse]
"""Renders an error in the form its part of the site speaks: a SCIM body, a page."""

FAULT_FORMS: Final[web.AppKey[Mapping[str, FaultForm]]] = web.AppKey("fault_forms")
"""By path prefix; the longest that fits is asked, and plain text is the form of last resort."""

LostForm = Callable[[web.Request, web.HTTPException], web.StreamResponse]
LOST_FORM: Final[web.AppKey[LostForm]] = web.AppKey("lost_form")
"""Renders what the router says of paths nobody has and of wrong methods, and passes other answers on."""

CLIENT_LEFT: Final = 499
"""nginx's status for a client that closed the connection; it is logged and never seen by anybody."""

ENCODINGS: Final = "gzip, deflate"
"""What bodies may be compressed by, as `Accept-Encoding` says it (RFC 9110 section 15.5.16)."""
_PLAIN: Final = frozenset({"gzip", "deflate", "identity", ""})


class BodyTooSlow(CallerError):
    """The client did not send its whole body within the deadline."""

    def __init__(self) -> None:
        super().__init__("the request's body did not arrive in time")


class TargetTooLong(CallerError):
    """The request's target goes over the limit."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"the request's target is over the limit of {limit} bytes")


class UnsupportedEncoding(CallerError):
    """The body is compressed in a way that is not undone here."""

    def __init__(self) -> None:
        super().__init__(f"the request's body may be encoded as {ENCODINGS} or not at all")


class HeadTooLarge(CallerError):
    """The request has more header fields, or longer ones, than are read."""

    def __init__(self) -> None:
        super().__init__("the request's head is too large, in one field or in all")


class UnknownExpectation(CallerError):
    """The request expects what nobody here can do (RFC 9110 section 10.1.1)."""

    def __init__(self) -> None:
        super().__init__("the only expectation that is met is 100-continue")


class ClientLeft(CallerError):
    """The client closed its connection before the answer was ready."""


def demand_encoding(request: web.Request) -> None:
    """Refuse a body that would be taken as it came, although it says that it is encoded. Raises UnsupportedEncoding."""
    given = request.headers.getall("Content-Encoding", ())
    if request.body_exists and (len(given) > 1 or any(name.strip().lower() not in _PLAIN for name in given)):
        raise UnsupportedEncoding


def translate(request: web.Request, error: Exception, max_body: int) -> Exception:
    """Return the domain's error for one that aiohttp raised while a body was read; any other comes back unchanged."""
    if isinstance(error, RequestPayloadError):
        return InvalidSyntax("the request's body does not fit its Content-Encoding or Transfer-Encoding")
    if isinstance(error, web.HTTPRequestEntityTooLarge):
        return TooLarge("the request's body", max_body)
    if isinstance(error, ConnectionError) and request.transport is None:
        return ClientLeft("the client left")
    if isinstance(error, ValueError | LookupError) and _was_raised_by_aiohttp(error.__traceback__):
        return InvalidSyntax("the request's body does not fit its Content-Type")
    return error


def render(request: web.Request, error: Exception) -> web.StreamResponse:
    """Answer in the form of the part of the site that was asked."""
    if isinstance(error, ClientLeft):
        return web.Response(status=CLIENT_LEFT)
    form = form_among(request.config_dict.get(FAULT_FORMS, {}), request.path) or plain_text
    return in_form(form, request, error)


def in_form(form: FaultForm, request: web.Request, error: Exception) -> web.StreamResponse:
    """Answer in a form, with the headers that every form has to have."""
    response = form(request, error)
    if isinstance(error, RemoteError):
        response.headers.setdefault("Retry-After", str(error.retry_after))
    if isinstance(error, UnsupportedEncoding):
        response.headers["Accept-Encoding"] = ENCODINGS
    return response


def form_among(forms: Mapping[str, FaultForm], path: str) -> FaultForm | None:
    """Return the form of the part of the site that a path is in, if it has one."""
    # The address of a part itself may go without the slash.
    prefixes = [prefix for prefix in forms if f"{path}/".startswith(prefix)]
    return forms[max(prefixes, key=len)] if prefixes else None


def lost(request: web.Request, answer: web.HTTPException) -> web.StreamResponse:
    """Answer what was raised as an answer; what the router raised, in the form that people read."""
    form = request.config_dict.get(LOST_FORM)
    return answer if form is None else form(request, answer)


def plain_text(request: web.Request, error: Exception) -> web.StreamResponse:
    """Answer with one sentence."""
    status = status_of(error)
    text = str(error) if isinstance(error, IdpError) else "an error of ours; the log holds it under the request's id"
    return web.Response(status=status, text=f"{text}\n")


def status_of(error: Exception) -> int:
    """Return the HTTP status of faults that belong to no protocol; our own bugs are 500."""
    return next((status for kind, status in _STATUS.items() if isinstance(error, kind)), 500)


_STATUS: Final[Mapping[type[Exception], int]] = {
    BodyTooSlow: 408,
    TargetTooLong: 414,
    TooLarge: 413,
    UnsupportedEncoding: 415,
    UnknownExpectation: 417,
    HeadTooLarge: 431,
    CallerError: 400,
    RemoteError: 503,
}


class QuietParser(logging.Filter):
    """Turns aiohttp's tracebacks about what strangers send into one line; a bug's traceback stays."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Keep the record, without the traceback where it tells nothing of us."""
        error = record.exc_info[1] if record.exc_info else None
        if isinstance(error, RequestPayloadError):
            return False
        if isinstance(error, HttpProcessingError):
            record.levelno, record.levelname = logging.INFO, "INFO"
            record.msg, record.args = "%s: not HTTP as we understand it", (record.getMessage(),)
            record.exc_info = record.exc_text = None
        return True


def _was_raised_by_aiohttp(trace: TracebackType | None) -> bool:
    if trace is None:
        return False
    while trace.tb_next is not None:
        trace = trace.tb_next
    return str(trace.tb_frame.f_globals.get("__name__", "")).startswith("aiohttp.")
