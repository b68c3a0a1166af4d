"""`idp ldap conflicts` and `idp ldap resolve`: entries that want what another account has."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from idp.cli.output import Json, print_json, print_note, print_table
from idp.cli.run import operator, with_services

if TYPE_CHECKING:
    from idp.app.services import Services
    from ldap_bridge.conflicts import Conflict
    from ldap_bridge.resolving import Dispute

_COLUMNS = ["id", "source", "kind", "login", "dn", "about", "value", "held by", "decided"]


def conflicts(
    context: typer.Context,
    source: Annotated[
        str, typer.Argument(help="NAME of a section [ldap.NAME]; without it all.", show_default=False)
    ] = "",
    json: Json = False,
) -> None:
    """List entries that want what another account or group has: a login, an address, a name.

    With what was decided about them.
    """
    found = with_services(context, lambda services: services.ldap.resolving.conflicts(operator(), source))
    if json:
        print_json([_plain(dispute) for dispute in found])
        return
    print_table([_row(dispute) for dispute in found], _COLUMNS, "No conflicts.")
    if any(not dispute.conflict.choice for dispute in found):
        print_note("`idp ldap resolve ID link|rename|skip|take-over` decides about one of them.")


def resolve(
    context: typer.Context,
    conflict: Annotated[str, typer.Argument(help="A conflict as `idp ldap conflicts` lists it.", show_default=False)],
    choice: Annotated[str, typer.Argument(help="link, rename, skip, take-over or undo.", show_default=False)],
    name: Annotated[
        str, typer.Option(help="rename: the entry's name here; take-over: that of the other one.", show_default=False)
    ] = "",
    force: Annotated[
        bool, typer.Option("--force", help="Also with the last root administrator who belongs to no directory.")
    ] = False,
    now: Annotated[bool, typer.Option("--now", help="Run at once; otherwise the next run carries it out.")] = False,
    json: Json = False,
) -> None:
    """Decide about a conflict.

    link: the account or group is the entry's, and the directory's from now on. rename: the entry gets one of its own
    under another name. skip: none. take-over: the other one gives login, address or name up. undo: as if undecided.
    """
    from ldap_bridge.conflicts import Choice

    if choice not in {*Choice}:
        raise typer.BadParameter(f"{choice!r} is none of {', '.join(Choice)}", param_hint="CHOICE")

    async def work(services: "Services") -> "tuple[dict[str, Any], bool]":
        decided = await services.ldap.resolving.resolve(operator(), conflict, Choice(choice), name, force=force)
        if not now:
            return {"conflict": _fields(decided), "run": None}, True
        run = await services.ldap.sync(operator(), decided.source)
        return {"conflict": _fields(decided), "run": {"id": run.id, "state": run.state}}, run.state == "applied"

    done, is_well = with_services(context, work)
    if json:
        print_json(done)
    else:
        run = done["run"]
        print_note(f"Run {run['id']}: {run['state']}." if run else _AT_ONCE.get(choice, _LATER))
    if not is_well:
        raise typer.Exit(1)


_LATER: Final = "Decided; the next run carries it out."
# What these do they do before any run.
_AT_ONCE: Final = {
    "link": "Linked; the next run brings it in step.",
    "take-over": "The other one has given it up; the next run carries out the rest.",
}


def _row(dispute: "Dispute") -> dict[str, Any]:
    by = f"{dispute.holder_name} ({dispute.holder_source})" if dispute.holder_name else "another entry"
    one = dispute.conflict
    said = " ".join(filter(None, (one.choice, one.name, f"by {one.decided_by}"))) if one.choice else ""
    return {**_fields(one), "held by": by, "decided": said}


def _plain(dispute: "Dispute") -> dict[str, Any]:
    holder = {"holder_name": dispute.holder_name, "holder_source": dispute.holder_source}
    return {**_fields(dispute.conflict), **holder}


def _fields(conflict: "Conflict") -> dict[str, Any]:
    found = asdict(conflict)
    found.pop("version")
    return found
