"""`idp token`: SCIM clients and their bearer tokens."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from idp.cli.output import Json, print_json, print_table
from idp.cli.run import operator, with_services

if TYPE_CHECKING:
    from idp.app.services import Services

SCOPES = ("users:read", "users:write", "groups:read", "groups:write")

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Bearer tokens for SCIM clients.")


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
    """Make a bearer token.

    It belongs to the client of that name, which is made if it is new, and is printed this once, alone on standard
    output.
    """
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


@app.command("list")
def list_clients(context: typer.Context, json: Json = False) -> None:
    """List clients.

    With the scopes of their tokens, and when one was last used.
    """

    async def look(services: "Services") -> list[dict[str, Any]]:
        clients = services.auth.clients
        rows = []
        for client in await clients.all(operator()):
            tokens = await clients.tokens_of(operator(), client.name)
            scopes = sorted({scope for token in tokens for scope in token.scopes})
            used = max((token.used for token in tokens if token.used), default=None)
            row = {"id": client.id, "name": client.name, "created": client.created, "tokens": len(tokens)}
            rows.append({**row, "scopes": scopes, "used": used})
        return rows

    rows = with_services(context, look)
    if json:
        print_json(rows)
    else:
        print_table(rows, ["name", "tokens", "scopes", "created", "used"], "No clients.")


@app.command("revoke")
def revoke(
    context: typer.Context, name: Annotated[str, typer.Argument(show_default=False)], json: Json = False
) -> None:
    """Remove a client and its tokens."""

    async def remove(services: "Services") -> None:
        await services.auth.clients.delete(operator(), name)

    with_services(context, remove)
    if json:
        print_json({"name": name})
    else:
        print(f"{name} has been removed; its tokens are no longer valid.")
