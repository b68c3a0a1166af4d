"""What the server says once it listens: where everything is, and the link for the first administrator."""

import asyncio
from typing import TextIO

from idp.app.services import Services
from idp.errors import RemoteError

RETRY = 1.0


async def greet(services: Services, stream: TextIO) -> None:
    """Print the addresses at once, and the set-up link as soon as the store answers."""
    colours = stream.isatty()
    url = services.config.public_url
    lines = [
        f"{_bold('Gatehouse', colours)} listens on {services.config.server.listen}",
        f"  login    {url}/login",
        f"  console  {url}/admin",
        f"  SCIM     {url}/scim/v2      (make a token: idp token create NAME)",
        f"  store    {_store(services)}",
    ]
    _print(stream, lines)
    token = await _setup_token(services, stream)
    if token is not None:
        link = f"{url}/setup?token={token}"
        lines = ["", "There is no administrator yet. This link makes one; it works once and expires:"]
        _print(stream, [*lines, f"  {_bold(link, colours)}", ""])


async def _setup_token(services: Services, stream: TextIO) -> str | None:
    waiting = False
    while True:
        try:
            return await services.auth.setup.link_token()
        except RemoteError as error:
            if not waiting:
                _print(stream, [f"  Waiting for the store: {error}"])
            waiting = True
            await asyncio.sleep(RETRY)


def _store(services: Services) -> str:
    """Return the store's address without a password."""
    scheme, _, rest = services.config.store_url.partition("://")
    return f"{scheme}://{rest.rpartition('@')[2]}" if rest else scheme


def _print(stream: TextIO, lines: list[str]) -> None:
    stream.write("".join(f"{line}\n" for line in lines))
    stream.flush()


def _bold(text: str, colours: bool) -> str:
    return f"\x1b[1m{text}\x1b[0m" if colours else text
