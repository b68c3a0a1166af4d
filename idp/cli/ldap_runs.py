"""`idp ldap runs` and what can be done with one of them."""

from typing import TYPE_CHECKING, Annotated

import typer

from idp.cli.output import Json
from idp.cli.run import operator, with_services

if TYPE_CHECKING:
    from idp.app.services import Services

AT_ONCE = 1000
"""Changes asked for at once; there may be hundreds of thousands."""

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
            page = await history.lines(operator(), run, kinds=kind or (), who=who, after=after, limit=AT_ONCE)
            if json:
                every += page.lines
            else:
                ldap_output.show_changes(page.lines)
            if not (after := page.next):
                break
        if json:
            ldap_output.show_as_json(found, every)

    with_services(context, look)
