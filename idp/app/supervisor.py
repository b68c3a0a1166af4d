"""Several workers: started, replaced when they die, told to end together."""

import logging
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import FrameType
from typing import Final, NoReturn

LIVED_LONG: Final = 5.0
"""A worker that dies younger than this is replaced only after a pause; it would probably die again."""
PAUSE: Final = 1.0
EXIT_CONFIG: Final = 2
"""A worker's status when it cannot start as it is configured: another one could not either."""

logger = logging.getLogger("idp.workers")

_ENDING: Final = frozenset({signal.SIGTERM, signal.SIGINT})

Run = Callable[[int, bool, int], int]
"""Runs a worker: its number, whether it is the first of this number, a descriptor that closes with the supervisor."""


@dataclass(frozen=True, slots=True)
class Worker:
    """A running process."""

    number: int
    started: float


class Supervisor:
    """Keeps a forked worker running for each socket until it is told to end; then it closes the sockets.

    `run` runs in the child and returns its exit status.
    """

    def __init__(self, sockets: Sequence[socket.socket], run: Run, patience: float) -> None:
        self._sockets = sockets
        self._run = run
        self._patience = patience
        self._workers: dict[int, Worker] = {}
        self._ending = threading.Event()
        self._status = 0
        # Nobody ever writes: the workers read the end of it when this process is gone, however it went.
        self._alive, self._held = os.pipe()

    def supervise(self) -> int:
        """Start the workers and return the exit status once all of them have ended."""
        for signalled in _ENDING:
            signal.signal(signalled, self._end)
        signal.signal(signal.SIGALRM, self._insist)
        for number in range(len(self._sockets)):
            self._start(number, first=True)
        while self._workers:
            pid, status = os.wait()
            if worker := self._workers.pop(pid, None):
                self._ended(worker, pid, os.waitstatus_to_exitcode(status))
        return self._status

    def _start(self, number: int, *, first: bool) -> None:
        # A signal between fork and the entry in the table would reach a worker that nobody knows of.
        signal.pthread_sigmask(signal.SIG_BLOCK, _ENDING)
        if not self._ending.is_set():
            pid = os.fork()
            if pid == 0:
                self._become(number, first)
            self._workers[pid] = Worker(number, time.monotonic())
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _ENDING)

    def _become(self, number: int, first: bool) -> NoReturn:
        """Be the worker. Must not unwind into the supervisor's frames, whatever happens."""
        status = 1
        try:
            os.close(self._held)
            for signalled in (*_ENDING, signal.SIGALRM):
                signal.signal(signalled, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _ENDING)
            status = self._run(number, first, self._alive)
        except Exception:
            logger.exception("worker %d failed", number)
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(status)

    def _ended(self, worker: Worker, pid: int, status: int) -> None:
        if self._ending.is_set():
            return
        if status == EXIT_CONFIG:
            self._status = status
            self._end()
            return
        logger.error("worker %d (process %d) ended with status %d; starting another", worker.number, pid, status)
        if time.monotonic() - worker.started < LIVED_LONG and self._ending.wait(PAUSE):
            return
        self._start(worker.number, first=False)

    def _end(self, signalled: int = 0, frame: FrameType | None = None) -> None:
        """Tell every worker to end; those that do not within `patience` are killed."""
        self._ending.set()
        for held in self._sockets:
            held.close()
        self._signal_all(signal.SIGTERM)
        signal.setitimer(signal.ITIMER_REAL, self._patience)

    def _insist(self, signalled: int, frame: FrameType | None) -> None:
        self._signal_all(signal.SIGKILL)

    def _signal_all(self, signalled: signal.Signals) -> None:
        for pid in self._workers:
            os.kill(pid, signalled)
