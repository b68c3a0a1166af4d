"""From a command's arguments to services: settings read, store opened, and closed again whatever happens."""

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Any, Final, NoReturn, TypeVar

import typer

from idp.cli.output import print_note

if TYPE_CHECKING:
    from idp.access import Actor
    from idp.app.services import Services
    from idp.config import Config, Loaded

T = TypeVar("T")

INTERRUPTED: Final = 130


@dataclass(frozen=True, slots=True)
class Settings:
    """The options that stand before a command; None is one that was not given."""

    file: str | None = None
    overrides: Mapping[str, str | None] = field(default_factory=dict)

    def read(self, further: Mapping[str, str | None] | None = None) -> "Loaded":
        """Read all settings, with the problems beside them."""
        from idp.config import read

        given = {**self.overrides, **(further or {})}
        return read(self.file, os.environ, {key: value for key, value in given.items() if value is not None})

    def load(self, further: Mapping[str, str | None] | None = None) -> "Config":
        """Read all settings. Raises ConfigError."""
        loaded = self.read(further)
        if loaded.problems:
            raise loaded.problems[0]
        return loaded.config


def with_services(context: typer.Context, command: "Callable[[Services], Awaitable[T]]") -> T:
    """Run a command over the services of the configured store."""
    config = context.find_object(Settings) or Settings()
    work = _run(config.load(), command)
    with asyncio.Runner() as runner:
        try:
            return runner.run(_interruptible(work))
        except (asyncio.CancelledError, KeyboardInterrupt):
            _end_at_once(INTERRUPTED)


def _end_at_once(status: int) -> NoReturn:
    """End the process when all is written: ending in order would wait for a thread that waits for a directory."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError):
            stream.flush()
    os._exit(status)


async def _interruptible(work: "Coroutine[Any, Any, T]") -> T:
    """Do the work. Ctrl-C ends it in order, as a run writes down that it was interrupted; the third ends it at once."""
    doing, counting = asyncio.ensure_future(work), count(1)
    loop = asyncio.get_running_loop()

    def interrupted() -> None:
        match next(counting):
            case 1:
                doing.cancel()
            case 2:
                print_note("Ending in order; Ctrl-C once more ends at once.")
            case _:
                raise KeyboardInterrupt

    # A test may run commands in a thread, which hears no signals.
    with suppress(RuntimeError, ValueError):
        loop.add_signal_handler(signal.SIGINT, interrupted)
    try:
        return await doing
    finally:
        loop.remove_signal_handler(signal.SIGINT)


async def _run(config: "Config", command: "Callable[[Services], Awaitable[T]]") -> T:
    from idp.app.collector import collect_seldom
    from idp.app.services import open_services
    from idp.errors import RemoteError

    collect_seldom()
    async with open_services(config) as services:
        if services.base.key_file.is_new:
            from idp.app.key_check import check_key_now

            # A command that does without the store shall not fail for it.
            with suppress(RemoteError):
                await check_key_now(services)
        return await command(services)


def operator() -> "Actor":
    """Return who runs commands: the system, under the name of the account that typed them."""
    import getpass

    from idp.access import SYSTEM_ACTOR

    try:
        name = getpass.getuser()
    except (KeyError, OSError):
        # A container's user id without an entry in passwd.
        name = str(os.getuid())
    return SYSTEM_ACTOR(f"cli:{name}")
