"""`idp ldap runs` and what can be done with one of them."""

from typing import TYPE_CHECKING, Annotated

import typer

from idp.cli.output import Json
from idp.cli.run import operator, with_services

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from idp.access import Actor
    from idp.app.services import Services
    from ldap_bridge.lines import Logged
    from ldap_bridge.progress import Watcher
    from ldap_bridge.runs import Run as RunRecord

    Decide = Callable[[Actor, str, Watcher], Awaitable[RunRecord]]

FAILED = 1
LISTED = 1000
"""Changes of a run that are listed unasked; more are asked for by `idp ldap show RUN`."""

Run = Annotated[str, typer.Argument(help="A run as `idp ldap runs` lists it.", show_default=False)]


def runs(
    context: typer.Context,
    source: Annotated[
        str, typer.Argument(help="NAME of a section [ldap.NAME]; without it all.", show_default=False)
    ] = "",
    limit: Annotated[int, typer.Option(help="How many, the newest first.", min=1)] = 20,
    json: Json = False,
) -> None:
    """List past runs."""
    from idp.cli import ldap_output

    async def look(services: "Services") -> None:
        ldap_output.show_runs(await services.ldap.history.runs(operator(), source, limit), json=json)

    with_services(context, look)


def show(
    context: typer.Context,
    run: Run,
    kind: Annotated[
        list[str] | None, typer.Option(help="Only such changes: create, disable, …", show_default=False)
    ] = None,
    who: Annotated[str, typer.Option(help="Only what is about this login, name, DN or id.", show_default=False)] = "",
    json: Json = False,
) -> None:
    """Show what a run did, or would have done.

    By name and field.
    """
    from idp.cli import ldap_output
    from ldap_bridge.lines import Logged
    from ldap_bridge.plan import Kind

    if unknown := set(kind or ()) - {*Kind}:
        raise typer.BadParameter(f"{min(unknown)!r} is none of {', '.join(Kind)}", param_hint="--kind")

    async def look(services: "Services") -> None:
        history, after, every = services.ldap.history, "", list[Logged]()
        found = await history.run(operator(), run)
        if not json:
            ldap_output.show_one_run(found)
        while True:
            page = await history.lines(operator(), run, kinds=kind or (), who=who, after=after, limit=LISTED)
            if json:
                every += page.lines
            else:
                ldap_output.show_changes(page.lines)
            if not (after := page.next):
                break
        if json:
            ldap_output.show_as_json(found, every)

    with_services(context, look)


async def some_lines(services: "Services", run: "RunRecord") -> "list[Logged]":
    """Return what a run did, or nothing when that is very much."""
    if run.logged > LISTED:
        return []
    return (await services.ldap.history.lines(operator(), run.id, limit=LISTED)).lines


def approve(context: typer.Context, run: Run, json: Json = False) -> None:
    """Carry out the plan of a held run.

    Only that plan: what has come since is left to the next run. Refused when the directory is not as it was.
    """
    _carry_out(context, lambda services: services.ldap.approvals.approve, run, json=json)


def apply(context: typer.Context, run: Run, json: Json = False) -> None:
    """Carry out the plan of a dry run.

    One that `idp ldap plan` has shown. Refused when the directory is not as it was.
    """
    _carry_out(context, lambda services: services.ldap.approvals.apply, run, json=json)


def reject(
    context: typer.Context,
    run: Run,
    why: Annotated[str, typer.Option(help="A reason, for others.", show_default=False)] = "",
    json: Json = False,
) -> None:
    """Say that the plan of a held run is not to be carried out.

    Runs that come to the same plan change nothing then, until the directory is another one.
    """
    from idp.cli import ldap_output

    rejected = with_services(context, lambda services: services.ldap.approvals.reject(operator(), run, why))
    ldap_output.show_runs([rejected], json=json)


def _carry_out(context: typer.Context, of: "Callable[[Services], Decide]", run: str, *, json: bool) -> None:
    from idp.cli import ldap_output
    from idp.cli.ldap_progress import watching

    async def work(services: "Services") -> "tuple[RunRecord, list[Logged]]":
        with watching(quiet=json) as watcher:
            done = await of(services)(operator(), run, watcher)
        return done, [] if json else await some_lines(services, done)

    done, lines = with_services(context, work)
    ldap_output.show_run(done, lines, json=json, with_changes=False)
    if not done.is_clean:
        raise typer.Exit(FAILED)
