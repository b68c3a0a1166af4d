"""Running the server: one process, or a supervisor with several; from the listening socket to the last answer."""

import asyncio
import logging
import os
import shutil
import signal
import socket
import sys
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec
import uvloop
from aiohttp import web

from idp.app import logs
from idp.app.sockets import address_of, listen_on
from idp.app.supervisor import Supervisor
from idp.config import Config
from idp.errors import ConfigError, IdpError
from idp.http.tally import TallyFiles

if TYPE_CHECKING:
    from idp.app.foundation import Keys
    from idp.auth import Rates

FAILED: Final = 1
WRONG_CONFIG: Final = 2
GRACE: Final = 5.0
"""Seconds beyond `server.drain` until a worker that has not ended is killed: closing the store takes a moment."""
# Seconds for which a thread that computes, such as one that searches without an index, keeps the interpreter to itself
# while the event loop waits for it. The loop waits after every system call: beside such a thread it answered 200
# requests a second with Python's 5 ms, and 1,500 with this.
_SWITCH: Final = 0.0002

logger = logging.getLogger("idp")


@dataclass(frozen=True, slots=True)
class Process:
    """What one serving process is given: whether it speaks for all of them, and how it learns of their end."""

    config: Config
    bound: socket.socket
    speaks: bool
    alive: int | None = None
    counts: TallyFiles | None = None
    keys: "Keys | None" = None
    rates: "Rates | None" = None


def run(config: Config) -> int:
    """Serve until told to end; returns the exit status. Raises ConfigError when it cannot listen."""
    logs.set_up(config.server.log_level, as_json=config.server.access_log == "json")
    sockets = listen_on(config.server.listen, config.server.workers)
    # Port 0 has become a real one.
    listen = address_of(sockets[0])
    config = msgspec.structs.replace(config, server=msgspec.structs.replace(config.server, listen=listen))
    if len(sockets) == 1:
        return _serve(Process(config, sockets[0], speaks=True))
    return _supervise(config, sockets)


def _supervise(config: Config, sockets: list[socket.socket]) -> int:
    # Loaded once, before the workers are forked off: they share the memory.
    import idp.app.web  # noqa: F401 - see above
    from idp.app.services import read_keys
    from idp.auth import Rates

    # Each by itself, a worker could make a key anew that another has just found to be of no use.
    keys = read_keys(config)

    def work(number: int, first: bool, alive: int) -> int:
        speaks = first and number == 0
        for other in sockets[:number] + sockets[number + 1 :]:
            other.close()
        counted = TallyFiles(counts, str(os.getpid()))
        return _serve(Process(config, sockets[number], speaks, alive, counted, keys, rates))

    counts, rates = Path(tempfile.mkdtemp(prefix="idp-counts-")), Rates.of_processes()
    try:
        return Supervisor(sockets, work, config.server.drain + GRACE).supervise()
    finally:
        shutil.rmtree(counts, ignore_errors=True)


def _serve(process: Process) -> int:
    """Run one process' event loop to its end; an error is one message."""
    sys.setswitchinterval(_SWITCH)
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_answer(process))
    except ConfigError as error:
        logger.error("%s", error)
        return WRONG_CONFIG
    except IdpError as error:
        logger.error("%s", error)
        return FAILED
    return 0


async def _answer(process: Process) -> None:
    from idp.app.background import background
    from idp.app.banner import greet
    from idp.app.collector import collect_seldom
    from idp.app.key_check import check_key
    from idp.app.services import open_services
    from idp.app.web import build_application
    from idp.http.runner import make_runner
    from idp.http.traffic import Traffic

    collect_seldom()
    ending, traffic = _ending(process.alive), Traffic()
    async with open_services(process.config, process.keys, process.rates) as services:
        app = build_application(services, traffic, process.counts)
        runner = make_runner(app)
        await runner.setup()
        site = web.SockSite(runner, process.bound, backlog=1024)
        await site.start()
        async with background(services):
            greeting = asyncio.create_task(greet(services, sys.stdout)) if process.speaks else None
            refusal = await _ended(ending, asyncio.create_task(check_key(services)))
            if greeting is not None:
                greeting.cancel()
        await site.stop()
        # Only closed is it refused to new clients; the event loop had a copy of it.
        process.bound.close()
        await traffic.drain(process.config.server.drain)
        # What is still in progress is cancelled here, and only then is the store let go of.
        await runner.cleanup()
    if refusal is not None:
        raise refusal


async def _ended(ending: asyncio.Event, checking: asyncio.Task[None]) -> ConfigError | None:
    """Wait for the end, or for a check that says that the server must not serve; returns its reason."""
    waiting = asyncio.create_task(ending.wait())
    await asyncio.wait({waiting, checking}, return_when=asyncio.FIRST_COMPLETED)
    try:
        if checking.done():
            await checking
    except ConfigError as error:
        return error
    except IdpError as error:
        logger.error("the key could not be compared with the store's: %s", error)
    finally:
        checking.cancel()
    await waiting
    return None


def _ending(alive: int | None) -> asyncio.Event:
    """Return an event that is set by SIGTERM, SIGINT or the supervisor's death; a second Ctrl-C ends at once."""
    loop, ending = asyncio.get_running_loop(), asyncio.Event()

    def end() -> None:
        ending.set()
        loop.remove_signal_handler(signal.SIGINT)

    for signalled in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signalled, end)
    if alive is not None:

        def orphaned() -> None:
            loop.remove_reader(alive)
            with suppress(OSError):
                os.close(alive)
            ending.set()

        loop.add_reader(alive, orphaned)
    return ending
