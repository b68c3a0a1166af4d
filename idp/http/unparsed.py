"""What aiohttp refuses before any middleware sees it, answered in the form of the part of the site that was asked."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from aiohttp import web
from aiohttp.http_exceptions import (
    BadHttpMethod,
    BadStatusLine,
    ContentEncodingError,
    HttpProcessingError,
    InvalidURLError,
    LineTooLong,
    TransferEncodingError,
)

from idp.errors import CallerError, InvalidSyntax
from idp.http.faults import (
    FaultForm,
    HeadTooLarge,
    TargetTooLong,
    UnknownExpectation,
    UnsupportedEncoding,
    form_among,
    in_form,
)
from idp.http.headers import complete

BARE_FORMS: Final[web.AppKey[Mapping[str, FaultForm]]] = web.AppKey("bare_forms")
"""By path prefix: forms that need nothing of a request, of which no more than the path is known here."""

MAX_LINE: Final = 65_536
"""Far over our own limit, so that a target that is too long still reaches the middleware."""
MAX_FIELD: Final = 32_768
_REQUEST_LINE: Final = re.compile(rb"[\r\n]*[^ \r\n]{1,64} +(?:https?://[^/ \r\n]*)?(/[^ ?#\r\n]{0,64})")
_UNREADABLE: Final[Mapping[type[Exception], str]] = {
    BadHttpMethod: "the method is none that is known",
    BadStatusLine: "the first line cannot be read",
    InvalidURLError: "the target is no URL",
    TransferEncodingError: "the body is not in chunks, as Transfer-Encoding says",
}
_OTHERWISE: Final = "a header field or a chunk cannot be read, or a field is there twice"
_TOO_MANY: Final = "Too many headers"

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


class Connection(web.RequestHandler):
    """A connection that knows the path that was asked for last, as far as it can be read at all."""

    __slots__ = ("_forms", "_path")

    def __init__(self, manager: web.Server, forms: Mapping[str, FaultForm], **options: Any) -> None:
        super().__init__(manager, **options)
        self._forms = forms
        self._path = "/"

    def data_received(self, data: bytes) -> None:
        """Take what the client sends."""
        begun = _REQUEST_LINE.match(data)
        if begun is not None:
            self._path = begun[1].decode("latin-1")
        super().data_received(data)

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer what cannot be read as a request, and end the connection, since nobody knows where the next begins."""
        answer = super().handle_error(request, status, exc, message)
        form = form_among(self._forms, self._path)
        if form is not None and isinstance(exc, HttpProcessingError) and isinstance(request, web.Request):
            answer = in_form(form, request, _named(exc))
            answer.force_close()
        complete(answer)
        return answer


class FormServer(web.Server):
    """A server of such connections over one that aiohttp made; `options` are what a connection of aiohttp takes."""

    def __init__(self, made: web.Server, forms: Mapping[str, FaultForm], options: Mapping[str, Any]) -> None:
        super().__init__(
            _expecting(made.request_handler, forms),
            request_factory=made.request_factory,
            handler_cancellation=made.handler_cancellation,
        )
        self._forms = forms
        self._options = {"loop": asyncio.get_running_loop(), **options}

    def __call__(self) -> Connection:
        """Return what handles a new connection."""
        return Connection(self, self._forms, **self._options)


def _expecting(handle: Handler, forms: Mapping[str, FaultForm]) -> Handler:
    """Return the handler that has a form for expectations too, which aiohttp looks at before any middleware."""

    async def handler(request: web.BaseRequest) -> web.StreamResponse:
        try:
            return await handle(request)
        except web.HTTPExpectationFailed as refused:
            form = form_among(forms, request.path)
            if form is None or not isinstance(request, web.Request):
                complete(refused)
                raise
            answer = in_form(form, request, UnknownExpectation())
            complete(answer)
            return answer

    return handler


def _named(error: HttpProcessingError) -> CallerError:
    """Return the domain's error for the parser's, which would tell again what was sent."""
    if isinstance(error, ContentEncodingError):
        return UnsupportedEncoding()
    if isinstance(error, LineTooLong):
        _, limit, _ = error.args
        return TargetTooLong(limit) if limit == MAX_LINE else HeadTooLarge()
    if error.message.startswith(_TOO_MANY):
        return HeadTooLarge()
    reason = next((text for kind, text in _UNREADABLE.items() if isinstance(error, kind)), _OTHERWISE)
    return InvalidSyntax(f"this is not HTTP as it is understood here: {reason}")
