"""`idp client log`: what a client asked of late, how it was answered, and what that changed."""

import asyncio
import json as encoder
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from idp.cli.output import Json, print_json, print_note, printable, styled
from idp.cli.run import operator, with_services

if TYPE_CHECKING:
    from idp.app.services import Services
    from idp.auth.clients.log import Batch

LOOK_EVERY: Final = 1.0
_FIRST_ERROR: Final = 400


def client_log(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="The client's name, in any case.", show_default=False)],
    limit: Annotated[int, typer.Option(help="How many requests.", min=1, max=1000)] = 20,
    follow: Annotated[bool, typer.Option("--follow", help="Go on showing what comes, until Ctrl-C.")] = False,
    json: Json = False,
) -> None:
    """Show the last requests of a client.

    Values are told by their beginning and length only. Of reads that went well, only some are kept.
    """

    async def look(services: "Services") -> None:
        client = await services.auth.clients.show(operator(), name)
        batches = await services.auth.client_log.of(operator(), client.id, limit)
        entries = _entries(batches)[-limit:]
        if json and not follow:
            print_json(entries)
            return
        if not entries and not follow:
            print("No requests.")
        _show(entries, json=json)
        seen = {batch.id for batch in batches}
        while follow:
            await asyncio.sleep(LOOK_EVERY)
            batches = await services.auth.client_log.of(operator(), client.id, max(limit, 100))
            new = [batch for batch in batches if batch.id not in seen]
            seen = {batch.id for batch in batches}
            _show(_entries(new), json=json)
            if skipped := sum(batch.skipped for batch in new):
                print_note(f"({skipped} more, mostly reads that went well)")

    with_services(context, look)


def _entries(batches: "list[Batch]") -> list[Mapping[str, Any]]:
    return sorted((entry for batch in batches for entry in batch.entries), key=lambda entry: entry["at"])


def _show(entries: list[Mapping[str, Any]], *, json: bool) -> None:
    for entry in entries:
        if json:
            print(encoder.dumps(entry, ensure_ascii=False), flush=True)
        else:
            print(_line(entry), flush=True)


def _line(entry: Mapping[str, Any]) -> str:
    status = styled(str(entry["status"]), "bad" if entry["status"] >= _FIRST_ERROR else "good")
    changed = ", ".join(f"{name}: {value}" for name, value in entry["changed"].items())
    told = " ".join(filter(None, [entry["operation"], entry["resource"], changed, entry["detail"]]))
    return f"{entry['at']} {status} {entry['milliseconds']:>7.1f}ms {printable(told)}"
