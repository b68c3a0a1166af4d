"""`idp token`: bearer tokens for SCIM clients."""

from typing import TYPE_CHECKING, Annotated

import typer

from idp.cli.output import Json, print_json
from idp.cli.run import operator, with_services

if TYPE_CHECKING:
    from idp.app.services import Services

SCOPES = ("users:read", "users:write", "groups:read", "groups:write")

app = typer.Typer(no_args_is_help=True, help="Bearer tokens for SCIM clients.")


@app.command("create")
def create(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="What the client is called in logs and audit events.")],
    scope: Annotated[
        list[str] | None,
        typer.Option(
            help="May be given several times; all of them when none is given.", show_default=", ".join(SCOPES)
        ),
    ] = None,
    json: Json = False,
) -> None:
    """Make a client and print its token, which is shown this once, alone on standard output."""
    scopes = frozenset(scope or SCOPES)
    if unknown := sorted(scopes - set(SCOPES)):
        raise typer.BadParameter(f"{', '.join(unknown)}: not one of {', '.join(SCOPES)}", param_hint="--scope")

    async def make(services: "Services") -> None:
        client, text = await services.auth.clients.create(operator(), name, scopes)
        if json:
            print_json({"id": client.id, "name": client.name, "scopes": sorted(client.scopes), "token": text})
        else:
            print(text)

    with_services(context, make)
