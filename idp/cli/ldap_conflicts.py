"""`idp ldap conflicts` and `idp ldap resolve`: entries that want what another account has."""

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from idp.cli.output import Json, print_json, print_note, print_table
from idp.cli.run import operator, with_services
from idp.words import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from idp.app.services import Services
    from ldap_bridge.conflicts import Choice, Conflict
    from ldap_bridge.resolving import Dispute, Resolved
    from ldap_bridge.runs import Run

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
        print_note("`idp ldap resolve ID link|rename|skip|take-over` decides about one of them, or several.")


def resolve(  # noqa: PLR0913 - each option of the command is a parameter
    context: typer.Context,
    chosen: Annotated[
        list[str] | None,
        typer.Argument(metavar="[ID]...", help="Conflicts as `idp ldap conflicts` lists them.", show_default=False),
    ] = None,
    choice: Annotated[str, typer.Argument(help="link, rename, skip, take-over or undo.", show_default=False)] = "",
    name: Annotated[
        str, typer.Option(help="rename: the entry's name here; take-over: that of the other one.", show_default=False)
    ] = "",
    every: Annotated[
        str, typer.Option("--all", help="All of this directory that nobody has decided upon.", show_default=False)
    ] = "",
    about: Annotated[
        str, typer.Option(help="With --all: only those about login, mail, name or root.", show_default=False)
    ] = "",
    force: Annotated[
        bool, typer.Option("--force", help="Also with the last root administrator who belongs to no directory.")
    ] = False,
    now: Annotated[bool, typer.Option("--now", help="Run at once; otherwise the next run carries it out.")] = False,
    json: Json = False,
) -> None:
    """Decide about a conflict, or about several alike.

    link: the account or group is the entry's, and the directory's from now on. rename: the entry gets one of its own
    under another name. skip: none. take-over: the other one gives login, address or name up. undo: as if undecided.
    """
    from ldap_bridge.conflicts import Choice

    if choice not in {*Choice}:
        raise typer.BadParameter(f"{choice!r} is none of {', '.join(Choice)}", param_hint="CHOICE")
    picked = _Picked(tuple(chosen or ()), every, about)
    if len(picked.ids) == 1:
        _resolve_one(context, picked.ids[0], Choice(choice), name, force=force, now=now, json=json)
        return
    if name:
        raise typer.BadParameter("several cannot have one name", param_hint="--name")
    _resolve_many(context, picked, Choice(choice), force=force, now=now, json=json)


@dataclass(frozen=True, slots=True)
class _Picked:
    """Which conflicts are meant: these, or those of a source."""

    ids: tuple[str, ...]
    source: str
    about: str

    def __post_init__(self) -> None:
        if bool(self.ids) == bool(self.source):
            raise typer.BadParameter("name conflicts, or say --all and the directory", param_hint="ID")
        if self.about and (not self.source or self.about not in _ABOUT):
            raise typer.BadParameter(f"goes with --all, and is one of {', '.join(_ABOUT)}", param_hint="--about")

    async def found(self, services: "Services", *, decided: bool) -> "Sequence[str]":
        """Return their ids; of a source's those that were decided upon, or those that were not."""
        if not self.source:
            return self.ids
        known = [one.conflict for one in await services.ldap.resolving.conflicts(operator(), self.source)]
        return [one.id for one in known if bool(one.choice) == decided and self.about in ("", one.about)]


def _resolve_one(
    context: typer.Context, conflict: str, choice: "Choice", name: str, *, force: bool, now: bool, json: bool
) -> None:
    async def work(services: "Services") -> "tuple[dict[str, Any], bool]":
        decided = await services.ldap.resolving.resolve(operator(), conflict, choice, name, force=force)
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


def _resolve_many(
    context: typer.Context, picked: _Picked, choice: "Choice", *, force: bool, now: bool, json: bool
) -> None:
    async def work(services: "Services") -> "tuple[list[Resolved], list[Run]]":
        by, resolving = operator(), services.ldap.resolving
        ids = await picked.found(services, decided=choice == "undo")
        done = await resolving.resolve_many(by, ids, choice, force=force)
        sources = sorted({one.conflict.source for one in done if one.conflict}) if now else []
        return done, [await services.ldap.sync(by, source) for source in sources]

    done, runs = with_services(context, work)
    wrong = [one for one in done if one.problem]
    if json:
        told = [(_fields(one.conflict) if one.conflict else {"id": one.id}) | {"problem": one.problem} for one in done]
        print_json({"conflicts": told, "runs": [{"id": run.id, "state": run.state} for run in runs]})
    else:
        if wrong:
            print_table([{"id": one.id, "problem": one.problem} for one in wrong], ["id", "problem"], "")
        print_note(f"{len(done) - len(wrong)} of {counted(len(done), 'conflict')} decided.")
        for run in runs:
            print_note(f"Run {run.id}: {run.state}.")
    if wrong or any(run.state != "applied" for run in runs):
        raise typer.Exit(1)


_ABOUT: Final = ("login", "mail", "name", "root")
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
