"""`idp ldap`: directories, looked at and synchronised."""

from typing import TYPE_CHECKING, Annotated

import typer

from idp.cli import ldap_conflicts, ldap_convert, ldap_explain, ldap_runs, ldap_status
from idp.cli.output import Json
from idp.cli.run import operator, with_services

if TYPE_CHECKING:
    from idp.app.services import Services
    from ldap_bridge.lines import Logged
    from ldap_bridge.report import PlanReport
    from ldap_bridge.runs import Run
    from ldap_bridge.trial import Trial

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Directories.")

Source = Annotated[str, typer.Argument(help="NAME of a section [ldap.NAME] of the settings.", show_default=False)]

Full = Annotated[bool, typer.Option("--full", help="Look at everything, not only at what has changed.")]


@app.command("test")
def look_at(context: typer.Context, source: Source, json: Json = False) -> None:
    """See whether a directory can be read.

    Connects, logs in, reads and maps everything; changes nothing.
    """
    from idp.cli import ldap_output

    async def look(services: "Services") -> "Trial":
        return await services.ldap.test(operator(), source)

    result = with_services(context, look)
    ldap_output.show_test(result, json=json)
    if not result.complete:
        raise typer.Exit(ldap_runs.FAILED)


@app.command("plan")
def plan(context: typer.Context, source: Source, full: Full = False, json: Json = False) -> None:
    """Show what a run would change.

    By name and field; changes nothing. `idp ldap apply` carries out the very plan later.
    """
    from idp.cli import ldap_output
    from idp.cli.ldap_progress import watching

    async def look(services: "Services") -> "PlanReport":
        with watching(quiet=json) as watcher:
            return await services.ldap.plan(operator(), source, watcher, whole=full)

    ldap_output.show_plan(with_services(context, look), json=json)


@app.command("sync")
def sync(
    context: typer.Context,
    source: Source,
    force: Annotated[bool, typer.Option("--force", help="Also do what would be held back as unusually much.")] = False,
    full: Full = False,
    changes: Annotated[bool, typer.Option("--changes", help="With --json: list the changes, too.")] = False,
    json: Json = False,
) -> None:
    """Bring accounts in step with a directory.

    The exit status is 1 if the run was held back, is incomplete, or something could not be done: conflicts, too.
    """
    from idp.cli import ldap_output
    from idp.cli.ldap_progress import watching

    async def work(services: "Services") -> "tuple[Run, list[Logged]]":
        with watching(quiet=json) as watcher:
            run = await services.ldap.sync(operator(), source, force=force, whole=full, progress=watcher)
        if json and changes:
            return run, (await services.ldap.history.lines(operator(), run.id, limit=run.logged)).lines
        return run, [] if json else await ldap_runs.some_lines(services, run)

    run, logged = with_services(context, work)
    ldap_output.show_run(run, logged, json=json, with_changes=changes)
    if not run.is_clean:
        raise typer.Exit(ldap_runs.FAILED)


app.command("convert")(ldap_convert.convert)
app.command("runs")(ldap_runs.runs)
app.command("show")(ldap_runs.show)
app.command("approve")(ldap_runs.approve)
app.command("reject")(ldap_runs.reject)
app.command("apply")(ldap_runs.apply)
app.command("conflicts")(ldap_conflicts.conflicts)
app.command("resolve")(ldap_conflicts.resolve)
app.command("explain")(ldap_explain.explain)
app.command("status")(ldap_status.status)
