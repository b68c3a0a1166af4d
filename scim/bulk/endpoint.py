"""`POST /Bulk` (RFC 7644 section 3.7)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from aiohttp import web

from idp.errors import TooLarge
from idp.http.actor import actor_of
from scim.bulk.items import Item, Read
from scim.bulk.run import BulkRunner
from scim.bulk.steps import Done, Outcome
from scim.errors import detail, status_and_type
from scim.etag import tag
from scim.exchange import read_body, respond
from scim.messages import bulk_request, bulk_response
from scim.messages import error as error_message
from scim.messages.bulk_request import BulkOperation
from scim.request_log import CHANGED

_STATUS: Final = {"POST": 201, "PUT": 200, "PATCH": 200, "DELETE": 204}


@dataclass(frozen=True, slots=True)
class BulkLimits:
    """How much one request may hold, as the service provider's configuration says it."""

    max_operations: int
    max_payload: int


class BulkEndpoint:
    """Reads the message, has it carried out, and says what came of each operation."""

    def __init__(self, runner: BulkRunner, limits: BulkLimits) -> None:
        self._runner = runner
        self._limits = limits

    async def post(self, request: web.Request) -> web.Response:
        """POST; the operations are answered in their order, those that were not begun any more not at all."""
        if len(await request.read()) > self._limits.max_payload:
            raise TooLarge("the size of a bulk request", self._limits.max_payload)
        wanted = bulk_request.read(await read_body(request), self._limits.max_operations)
        items, outcomes = await self._runner.run(actor_of(request), wanted)
        request[CHANGED] = {"operations": _counted(outcomes)}
        told = [
            _told(operation, item, outcome)
            for operation, item, outcome in zip(wanted.operations, items, outcomes, strict=True)
            if outcome is not None
        ]
        return respond(request, bulk_response.build(told))


def _counted(outcomes: Sequence[Outcome | None]) -> str:
    done, left = sum(isinstance(outcome, Done) for outcome in outcomes), outcomes.count(None)
    return f"{done} done, {len(outcomes) - done - left} failed" + (f", {left} not begun" if left else "")


def _told(operation: BulkOperation, item: Read, outcome: Outcome) -> dict[str, Any]:
    known: dict[str, Any] = {"method": operation.method, "bulk_id": operation.bulk_id}
    if isinstance(outcome, Done):
        version = None if outcome.version is None else tag(outcome.version)
        place = item.kind.place if isinstance(item, Item) else ""
        status = _STATUS[operation.method or ""]
        return bulk_response.operation(**known, location=f"{place}/{outcome.id}", version=version, status=status)
    status, scim_type = status_and_type(outcome)
    location = f"{item.kind.place}/{item.id}" if isinstance(item, Item) and item.id else None
    response = error_message.build(status, detail(outcome), scim_type)
    return bulk_response.operation(**known, location=location, version=None, status=status, response=response)
