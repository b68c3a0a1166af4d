"""`idp token`: the bearer tokens of SCIM clients."""

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from idp.cli.client_options import (
    ExpiresOption,
    ProfileOption,
    ScopeOption,
    all_scopes,
    change_of,
    last_used,
    naming_options,
    shown_token,
)
from idp.cli.durations import duration, lifetime
from idp.cli.output import Json, print_json, print_table
from idp.cli.run import operator, with_services

if TYPE_CHECKING:
    from idp.app.services import Services
    from idp.auth import Clients, Issued

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Bearer tokens for SCIM clients.")
TokenOption = Annotated[
    str | None, typer.Option("--token", help="The token's id, or its beginning, as `idp token list NAME` shows it.")
]

UserOption = Annotated[
    str | None, typer.Option("--user", help="The person whose own token it is: a user name, an address or an id.")
]


@app.command("create")
def create(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="What the client is called in logs and audit events.")],
    scope: ScopeOption = None,
    profile: ProfileOption = None,
    expires: ExpiresOption = None,
    user: UserOption = None,
    json: Json = False,
) -> None:
    """Make a bearer token.

    It belongs to the client of that name, which is made if it is new, and is printed this once, alone on standard
    output. With --user it belongs to a person, who reads and changes the own account with it at /Me.
    """
    lasting = lifetime(expires)
    if user is not None:
        if scope or profile:
            raise typer.BadParameter("does not go with --scope and --profile", param_hint="--user")
        with_services(context, lambda services: _make_personal(services, user, name, lasting, json=json))
        return

    async def make(services: "Services") -> None:
        from idp.auth import ClientSettings

        settings = None if profile is None else change_of(profile, None, None, None)(ClientSettings())
        issued, text = await services.auth.clients.create(operator(), name, scope or None, lasting, settings=settings)
        print_issued(issued, text, json=json)

    with naming_options():
        with_services(context, make)


@app.command("list")
def list_tokens(
    context: typer.Context,
    name: Annotated[str | None, typer.Argument(help="A client; without one, all of them.", show_default=False)] = None,
    json: Json = False,
) -> None:
    """List clients with what their tokens may do, or the tokens of one client."""

    async def look(services: "Services") -> list[dict[str, Any]]:
        clients = services.auth.clients
        if name is not None:
            return [shown_token(token) for token in await clients.tokens_of(operator(), name)]
        return await _by_client(clients)

    rows = with_services(context, look)
    if json:
        print_json(rows)
    elif name is None:
        print_table(rows, ["name", "tokens", "scopes", "created", "used"], "No clients.")
    else:
        short = [{**row, "id": row["id"][:12]} for row in rows]
        print_table(short, ["id", "scopes", "created", "expires", "used", "address", "replaced"], "No tokens.")


@app.command("rotate")
def rotate(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="The client.", show_default=False)],
    overlap: Annotated[str, typer.Option(help="How long the old token goes on working, like 7d; 0s ends it.")] = "1d",
    token: TokenOption = None,
    json: Json = False,
) -> None:
    """Make a token in place of the present one.

    The new one may do what the old one may, and lasts as long as that was made for. It is printed this once, alone on
    standard output.
    """
    lasting = duration(overlap, "--overlap")

    async def make(services: "Services") -> None:
        issued, text = await services.auth.clients.rotate(operator(), name, lasting, token_id=token)
        print_issued(issued, text, json=json)

    with naming_options():
        with_services(context, make)


@app.command("revoke")
def revoke(
    context: typer.Context,
    name: Annotated[str, typer.Argument(show_default=False)],
    token: TokenOption = None,
    user: UserOption = None,
    json: Json = False,
) -> None:
    """Remove a client and its tokens, or end one token; with --user, that person's tokens of the name."""

    async def remove(services: "Services") -> str:
        clients = services.auth.clients
        if user is not None:
            await services.auth.personal_tokens.end(operator(), await _person(services, user), name)
            return f"The token {name} of {user} is no longer valid."
        if token is None:
            await clients.delete(operator(), name)
            return f"{name} has been removed; its tokens are no longer valid."
        await clients.revoke(operator(), await clients.find_token(operator(), name, token))
        return f"The token {token} of {name} is no longer valid."

    with naming_options():
        done = with_services(context, remove)
    if json:
        print_json({"name": name, "token": token})
    else:
        print(done)


async def _person(services: "Services", who: str) -> str:
    from idp.cli.user_actions import find

    return (await find(services, who)).id


async def _make_personal(services: "Services", user: str, name: str, lasting: timedelta | None, *, json: bool) -> None:
    person = await _person(services, user)
    text = await services.auth.personal_tokens.create(operator(), person, name, lasting)
    if json:
        print_json({"user": person, "name": name, "token": text})
    else:
        print(text)


def print_issued(issued: "Issued", text: str, *, json: bool) -> None:
    """Print a token: alone, or with what it may do."""
    if json:
        shown = {"id": issued.id, "name": issued.name, "scopes": sorted(issued.scopes), "expires": issued.expires}
        print_json({**shown, "token": text})
    else:
        print(text)


async def _by_client(clients: "Clients") -> list[dict[str, Any]]:
    rows = []
    for client in await clients.all(operator()):
        tokens = await clients.tokens_of(operator(), client.name)
        row = {"id": client.id, "name": client.name, "created": client.created, "tokens": len(tokens)}
        rows.append({**row, "scopes": all_scopes(tokens), "used": last_used(tokens)})
    return rows
