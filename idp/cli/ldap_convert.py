"""`idp ldap convert`: people handed over from a directory to this store, or from here to a directory."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from idp.cli.output import Json, print_json, print_note, print_table
from idp.cli.run import operator, with_services
from idp.words import counted

if TYPE_CHECKING:
    from idp.app.services import Services
    from ldap_bridge.handing_over import Converted


def convert(
    context: typer.Context,
    who: Annotated[str, typer.Argument(help="User name, address or id.", show_default=False)] = "",
    everybody: Annotated[
        str, typer.Option("--all", help="Everybody from this directory, or from `internal`.", show_default=False)
    ] = "",
    to: Annotated[str, typer.Option("--to", help="`internal`, or the NAME of a directory.")] = "internal",
    preview: Annotated[bool, typer.Option("--preview", help="Only show what would be done.")] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Also with the last root administrator who belongs to no directory.")
    ] = False,
    json: Json = False,
) -> None:
    """Hand people over to another keeper of their password.

    Id, role, groups and second factors stay. Whoever becomes internal gets a link to set a password by mail; whoever
    goes to a directory is linked with its entry of the same login. The exit status is 1 if somebody could not be
    converted.
    """
    if bool(who) == bool(everybody):
        raise typer.BadParameter("name one person, or say --all and where they are from")

    async def work(services: "Services") -> "list[Converted]":
        from idp.cli import user_actions
        from idp.cli.ldap_progress import watching

        by, conversion = operator(), services.conversion
        people = [(await user_actions.find(services, who)).id] if who else await conversion.people_of(by, everybody)
        with watching(quiet=json or bool(who)) as watcher:
            return await (conversion.preview if preview else conversion.convert)(by, people, to, watcher, force=force)

    done = with_services(context, work)
    _show(done, preview=preview, json=json)
    if any(one.problem for one in done):
        raise typer.Exit(1)


def _show(done: "list[Converted]", *, preview: bool, json: bool) -> None:
    if json:
        print_json([asdict(one) for one in done])
        return
    names = {"userName": "user_name", "from": "old", "to": "new", "dn": "dn", "problem": "problem"}
    rows = [{title: getattr(one, name) for title, name in names.items()} for one in done]
    print_table(rows, list(names), "Nobody.")
    if mailed := sum(one.mailed for one in done):
        verb = "would get" if preview else "gets" if mailed == 1 else "get"
        print_note(f"{counted(mailed, 'person', 'people')} {verb} a link to set a password by mail.")
    right = sum(not one.problem for one in done)
    print_note(f"{right} of {counted(len(done), 'person', 'people')} {'would be ' if preview else ''}converted.")
