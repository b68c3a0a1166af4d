"""What `idp client` and `idp token` have in common: options of a client, and how clients and tokens are shown."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from idp.errors import InvalidValue

if TYPE_CHECKING:
    from idp.auth import ClientSettings, ClientToken

SCOPES: Final = ("users:read", "users:write", "groups:read", "groups:write")

ScopeOption = Annotated[
    list[str] | None,
    typer.Option("--scope", help="May be given several times; all of them when none is given."),
]
ProfileOption = Annotated[
    str | None,
    typer.Option("--profile", help="How its requests are read: standard, strict, entra, okta, onelogin.", metavar="P"),
]
NetworkOption = Annotated[
    list[str] | None,
    typer.Option("--network", help="Where it may come from, like 192.0.2.0/24; several times. Empty: anywhere."),
]
RateOption = Annotated[
    str | None, typer.Option("--rate", help="How many requests it may make, like 600/1m. Empty: any number.")
]
SourceOption = Annotated[
    str | None,
    typer.Option("--source", help="Name under which the people it makes are its own. Empty: they are everybody's."),
]
ExpiresOption = Annotated[
    str | None, typer.Option("--expires", help="How long the token lasts, like 90d or 12h; without it, for ever.")
]

# Which option says a value that the service can find wrong.
_OPTIONS: Final = {
    "scope": "--scope",
    "profile": "--profile",
    "networks": "--network",
    "rate": "--rate",
    "source": "--source",
    "token": "--token",
}


def change_of(
    profile: str | None, source: str | None, networks: list[str] | None, rate: str | None
) -> "Callable[[ClientSettings], ClientSettings]":
    """Return the change that the options ask for; one that was not given leaves its setting."""
    given: dict[str, Any] = {"profile": profile, "source": source, "rate": rate}
    if networks is not None:
        given["networks"] = tuple(network for network in networks if network)
    return lambda settings: replace(settings, **{name: value for name, value in given.items() if value is not None})


@contextmanager
def naming_options() -> Iterator[None]:
    """Turn what is wrong with a value into what is wrong with its option."""
    try:
        yield
    except InvalidValue as error:
        option = _OPTIONS.get(error.path)
        if option is None:
            raise
        raise typer.BadParameter(error.reason, param_hint=option) from None


def shown_token(token: "ClientToken") -> dict[str, Any]:
    """Return what is shown of a token; its id is the hash of its text, and tells nothing of it."""
    return {
        "id": token.id,
        "scopes": sorted(token.scopes),
        "created": token.created,
        "expires": token.expires,
        "used": token.used,
        "address": token.address,
        "replaced": token.replaced,
    }


def last_used(tokens: "Sequence[ClientToken]") -> str | None:
    """Return when one of the tokens was last used."""
    return max((token.used for token in tokens if token.used), default=None)


def all_scopes(tokens: "Sequence[ClientToken]") -> list[str]:
    """Return what the tokens may do between them."""
    return sorted({scope for token in tokens for scope in token.scopes})
