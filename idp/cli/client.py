"""`idp client`: the systems that may provision people, and what holds for each."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from idp.cli.client_log import client_log
from idp.cli.client_options import (
    ExpiresOption,
    NetworkOption,
    ProfileOption,
    RateOption,
    ScopeOption,
    SourceOption,
    all_scopes,
    change_of,
    last_used,
    naming_options,
    shown_token,
)
from idp.cli.durations import lifetime
from idp.cli.output import Json, print_fields, print_json, print_table
from idp.cli.run import operator, with_services
from idp.cli.token import print_issued

if TYPE_CHECKING:
    from idp.app.services import Services
    from idp.auth import Client

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Systems that provision people over SCIM.")
Name = Annotated[str, typer.Argument(help="The client's name, in any case.", show_default=False)]


@app.command("list")
def list_clients(context: typer.Context, json: Json = False) -> None:
    """List clients.

    With the profile by which each is read, what its tokens may do, and when one was last used.
    """

    async def look(services: "Services") -> list[dict[str, Any]]:
        clients = services.auth.clients
        return [await _shown(services, client) for client in await clients.all(operator())]

    rows = with_services(context, look)
    if json:
        print_json(rows)
    else:
        table = [{**row, "tokens": len(row["tokens"])} for row in rows]
        print_table(table, ["name", "profile", "source", "tokens", "scopes", "used"], "No clients.")


@app.command("show")
def show(context: typer.Context, name: Name, json: Json = False) -> None:
    """Show a client's settings and its tokens."""

    async def look(services: "Services") -> dict[str, Any]:
        return await _shown(services, await services.auth.clients.show(operator(), name))

    _print(with_services(context, look), json=json)


@app.command("create")
def create(  # noqa: PLR0913 - each option of the command is a parameter
    context: typer.Context,
    name: Name,
    profile: ProfileOption = None,
    scope: ScopeOption = None,
    network: NetworkOption = None,
    rate: RateOption = None,
    source: SourceOption = None,
    expires: ExpiresOption = None,
    json: Json = False,
) -> None:
    """Make a client and its first token, which is printed this once, alone on standard output."""
    lasting = lifetime(expires)

    async def make(services: "Services") -> None:
        from idp.auth import ClientSettings

        settings = change_of(profile, source, network, rate)(ClientSettings())
        clients = services.auth.clients
        issued, text = await clients.create(operator(), name, scope or None, lasting, settings=settings, new=True)
        print_issued(issued, text, json=json)

    with naming_options():
        with_services(context, make)


@app.command("update")
def update(
    context: typer.Context,
    name: Name,
    profile: ProfileOption = None,
    network: NetworkOption = None,
    rate: RateOption = None,
    source: SourceOption = None,
    json: Json = False,
) -> None:
    """Change what holds for a client; its tokens stay, and are held to it at once."""

    async def change(services: "Services") -> dict[str, Any]:
        changed = change_of(profile, source, network, rate)
        return await _shown(services, await services.auth.clients.update(operator(), name, changed))

    with naming_options():
        shown = with_services(context, change)
    _print(shown, json=json)


@app.command("delete")
def delete(context: typer.Context, name: Name, json: Json = False) -> None:
    """Remove a client; its tokens end at once, the people it made stay."""

    async def remove(services: "Services") -> None:
        await services.auth.clients.delete(operator(), name)

    with_services(context, remove)
    if json:
        print_json({"name": name})
    else:
        print(f"{name} has been removed; its tokens are no longer valid.")


@app.command("profiles")
def profiles(json: Json = False) -> None:
    """List the profiles by which the requests of clients are read, with what each of them lets through."""
    from dataclasses import asdict

    from scim.profiles import PROFILES

    found = [asdict(profile) for profile in PROFILES.values()]
    if json:
        print_json(found)
        return
    for profile in found:
        switches = {**profile.pop("documents"), **profile}
        allowed = [name for name, on in switches.items() if on is True]
        print_fields({"name": profile["name"], "for": profile["description"], "lets through": allowed or ["nothing"]})
        print()


app.command("log")(client_log)


async def _shown(services: "Services", client: "Client") -> dict[str, Any]:
    tokens = await services.auth.clients.tokens_of(operator(), client.name)
    return {
        "id": client.id,
        "name": client.name,
        "created": client.created,
        **client.settings.stored(),
        "scopes": all_scopes(tokens),
        "used": last_used(tokens),
        "tokens": [shown_token(token) for token in tokens],
    }


def _print(shown: dict[str, Any], *, json: bool) -> None:
    if json:
        print_json(shown)
        return
    tokens = shown.pop("tokens")
    print_fields(shown)
    print()
    short = [{**token, "id": token["id"][:12]} for token in tokens]
    print_table(short, ["id", "scopes", "created", "expires", "used", "address", "replaced"], "No tokens.")
