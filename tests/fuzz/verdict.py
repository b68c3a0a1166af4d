"""What every answer must be, whatever was asked."""

from collections.abc import Iterator
from typing import Any, Final

import msgspec

from tests.fuzz.exchange import Answer
from tests.fuzz.request import Wire

SLOWEST: Final = 3.0
ERROR: Final = "urn:ietf:params:scim:api:messages:2.0:Error"
_SHED: Final = "the server is busy"


def is_shed(answer: Answer) -> bool:
    """Tell whether the server refused the request because it had too much to do."""
    return answer.status == 503 and _SHED.encode() in answer.body


def complaints(wire: Wire, answer: Answer) -> Iterator[str]:
    """Yield what is wrong with an answer by itself."""
    if answer.seconds > SLOWEST:
        yield "slow"
    if answer.status == 0:
        yield "no answer"
    elif answer.status >= 500:
        if not is_shed(answer):
            yield "fault of ours"
    elif answer.status >= 400:
        if wire.method != b"HEAD" and wire.is_ours and not _is_scim_error(answer):
            yield "not an error of SCIM"
    elif wire.is_ours and not _is_json(answer):
        yield "not JSON"


def must_change_nothing(wire: Wire, answer: Answer) -> bool:
    """Tell whether everything has to be as it was before this answer."""
    return answer.status >= 400 or wire.only_reads or wire.only_tries or _all_failed(answer)


def _is_json(answer: Answer) -> bool:
    try:
        return not answer.body or isinstance(answer.json(), dict)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return False


def _is_scim_error(answer: Answer) -> bool:
    if not _is_json(answer) or not answer.body:
        return False
    body: dict[str, Any] = answer.json()
    told = (body.get("schemas"), body.get("status"))
    return told == ([ERROR], str(answer.status)) and bool(body.get("detail"))


def _all_failed(answer: Answer) -> bool:
    """Tell whether this answers a bulk request of which nothing was done."""
    if b"BulkResponse" not in answer.body:
        return False
    return all(int(operation["status"]) >= 400 for operation in answer.json()["Operations"])
