"""`idp serve`: run the server."""

from importlib import import_module
from threading import Thread
from typing import Annotated

import typer

from idp.cli.run import Settings


def serve(  # noqa: PLR0913 - each option of the command is a parameter
    context: typer.Context,
    listen: Annotated[
        str | None, typer.Option(help="Address and port.", metavar="HOST:PORT", show_default=False)
    ] = None,
    workers: Annotated[
        int | None, typer.Option(help="Processes that share the port.", min=1, show_default=False)
    ] = None,
    data: Annotated[str | None, typer.Option(help="Data directory.", metavar="DIR", show_default=False)] = None,
    store: Annotated[str | None, typer.Option(help="Address of the store.", metavar="URL", show_default=False)] = None,
    config: Annotated[str | None, typer.Option(help="File of settings.", metavar="FILE", show_default=False)] = None,
    public_url: Annotated[
        str | None, typer.Option(help="Address people and clients see.", metavar="URL", show_default=False)
    ] = None,
    smtp: Annotated[str | None, typer.Option(help="Server for mail.", metavar="URL", show_default=False)] = None,
    json: Annotated[bool, typer.Option("--json", help="Write all log lines as JSON.")] = False,
) -> None:
    """Run the server.

    It ends with SIGTERM or Ctrl-C; requests in progress are finished first.
    """
    _load()
    from idp.app.serve import run

    before = context.find_object(Settings) or Settings()
    options = {
        "server.listen": listen,
        "server.workers": None if workers is None else str(workers),
        "server.data": data,
        "store.url": store,
        "server.public_url": public_url,
        "mail.smtp": smtp,
        "server.access_log": "json" if json else None,
    }
    given = {key: value for key, value in options.items() if value is not None}
    raise typer.Exit(run(Settings(config or before.file, before.overrides).load(given)))


def _load() -> None:
    """Load the libraries: aiohttp reads the machine's certificates on its way in, and another core can do that."""
    reading = Thread(target=import_module, args=("aiohttp",))
    reading.start()
    import idp.app.services  # noqa: F401 - most of what does without aiohttp

    reading.join()
