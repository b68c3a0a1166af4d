"""Scheduled runs of directories, each in a process of its own: requests do not wait for one, however large it is.

The process is given the settings on its standard input, which stays open for as long as its parent lives.
"""

import asyncio
import logging
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from contextlib import suppress
from functools import cache
from typing import Final, NoReturn

import msgspec
import uvloop

from idp.app import logs
from idp.config import Config
from idp.errors import IdpError
from ldap_bridge.schedule import take_turn

DONE: Final = 0
NOT_DONE: Final = 1
# Requests go first where both want the same core.
_NICENESS: Final = 10
_GRACE: Final = 5.0
"""Seconds in which a run that is told to end writes down that it was interrupted."""

logger: Final = logging.getLogger("idp.directories")


class Job(msgspec.Struct, frozen=True):
    """What a process is told: whose turn it is, and the settings of its parent."""

    source: str
    config: Config


class Apart:
    """Takes the turns of sources in processes of their own."""

    def __init__(self, config: Config) -> None:
        self._config = config

    async def take_turn(self, source: str) -> bool:
        """Run a source once; tells whether that is done. Cancelling interrupts the run."""
        job = msgspec.json.encode(Job(source, self._config))
        # Not from the working directory: whatever lies there is not ours. In a session of its own, because a Ctrl-C
        # is meant for the server, which then ends the run.
        command = [sys.executable, "-P", "-m", __name__]
        process = await asyncio.create_subprocess_exec(*command, stdin=PIPE, start_new_session=True)
        try:
            status = await _told(process, job)
        finally:
            if process.returncode is None:
                await _end(process)
        if status < 0:
            logger.warning("directory %s: the process of its run was ended by signal %d", source, -status)
        return status == DONE


async def _told(process: Process, job: bytes) -> int:
    """Give a process its job and wait for its end; returns the status."""
    assert process.stdin is not None  # noqa: S101 (it was started with a pipe)
    with suppress(BrokenPipeError, ConnectionResetError):  # it has said why on its way out
        process.stdin.write(job + b"\n")
        await process.stdin.drain()
    return await process.wait()


async def _end(process: Process) -> None:
    with suppress(ProcessLookupError):
        process.terminate()
    try:
        await asyncio.wait_for(process.wait(), _GRACE)
    except TimeoutError:
        process.kill()
        await process.wait()


def main() -> NoReturn:
    """Be the process."""
    os.nice(_NICENESS)
    told = sys.stdin.buffer.readline()
    if not told:  # the parent was killed before it could say a word
        sys.exit(NOT_DONE)
    job = msgspec.json.decode(told, type=Job)
    logs.set_up(job.config.server.log_level, as_json=job.config.server.access_log == "json")
    done = asyncio.Runner(loop_factory=uvloop.new_event_loop).run(_while_wanted(job))
    logging.shutdown()
    # All is written. Ending in order would wait for a thread that waits for a directory.
    os._exit(DONE if done else NOT_DONE)


async def _while_wanted(job: Job) -> bool:
    """Do the job, unless told to end, or left alone by the parent."""
    loop, turn = asyncio.get_running_loop(), asyncio.create_task(_turn(job))
    # Once: a service manager may tell every process, and then the server does too. To be told again would keep a run
    # from writing down that it was interrupted.
    end = cache(turn.cancel)

    def orphaned() -> None:
        loop.remove_reader(sys.stdin)
        end()

    loop.add_signal_handler(signal.SIGTERM, end)
    loop.add_reader(sys.stdin, orphaned)
    try:
        return await turn
    except asyncio.CancelledError:
        return False
    finally:
        loop.remove_reader(sys.stdin)


async def _turn(job: Job) -> bool:
    from idp.app.collector import collect_seldom
    from idp.app.services import open_services

    collect_seldom()
    try:
        async with open_services(job.config) as services:
            return await take_turn(services.ldap, job.source, services.base.clock)
    except IdpError as error:
        logger.error("directory %s: %s", job.source, error)
    except Exception as error:
        told = "directory %s: an error of ours ended the run's process (%s)"
        logger.error(told, job.source, _kind_of(error), exc_info=sys.flags.dev_mode)
    return False


def _kind_of(error: Exception) -> str:
    """Return what kind of error it is; its own words may quote what settings or a directory hold."""
    kind = type(error).__name__
    return f"{kind}, {error.strerror}" if isinstance(error, OSError) else kind


if __name__ == "__main__":
    main()
