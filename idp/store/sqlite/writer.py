"""The one thread that writes: all commits that wait share a transaction, and with it one sync of the disk."""

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import apsw

from idp.errors import DeadlineExceeded, IdpError, Overloaded, Unavailable
from idp.store.sqlite.catalogue import generation
from idp.store.sqlite.database import WHAT, immediate, translated
from idp.store.sqlite.write_ahead_log import WriteAheadLog

# Writes: bounds how long a commit may be held up by those it shares its transaction with.
MOST_TOGETHER: Final = 4_000

Work = Callable[[apsw.Connection], int]
# Makes one work of several, or returns None where that cannot be.
Join = Callable[[Sequence[Work]], Work | None]


@dataclass(slots=True, eq=False)
class Job:
    """Work that waits for its turn; `answer` is set on the event loop."""

    work: Work
    weight: int
    answer: asyncio.Future[int]
    given_up: bool = False

    def give_up(self) -> None:
        """Let nobody wait any longer, and do not begin any more."""
        if not self.answer.done():
            self.given_up = True
            self.answer.set_exception(DeadlineExceeded(WHAT))


Outcome = tuple[Job, int | Exception]


class Writer:
    """Runs work in its own thread, durable when it has answered.

    What waits at one time is joined and done at one go. Only when something is in the way is each piece done by itself,
    in its own savepoint, so that one that fails is nobody else's loss.
    """

    def __init__(
        self,
        connection: apsw.Connection,
        log: WriteAheadLog,
        known_generation: int,
        max_waiting: int,
        timeout: float,
        join: Join,
    ) -> None:
        self._connection = connection
        self._log = log
        self._join = join
        self._generation = known_generation
        self._max_waiting = max_waiting
        self._timeout = timeout
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[Job] = deque()
        self._wake = threading.Condition()
        self._closing = False
        # In place of SQLite's own habit of checkpointing in the middle of whichever commit fills the log.
        connection.set_wal_hook(self._note_log)
        self._thread = threading.Thread(target=self._run, name="sqlite-writer", daemon=True)
        self._thread.start()

    async def do(self, work: Work, weight: int = 1) -> int:
        """Run the work, of about so many writes, and return its answer once it is on the disk.

        Whoever leaves takes the answer along, not the work. Only work that has not begun when its time is over is
        dropped.
        """
        job = Job(work, weight, self._loop.create_future())
        with self._wake:
            if self._closing:
                raise Unavailable(WHAT, "it has been closed")
            if len(self._waiting) >= self._max_waiting:
                raise Overloaded(WHAT)
            self._waiting.append(job)
            self._wake.notify()
        timer = self._loop.call_later(self._timeout, job.give_up)
        try:
            return await job.answer
        finally:
            timer.cancel()

    async def close(self) -> None:
        """Finish what waits, then end the thread."""
        with self._wake:
            self._closing = True
            self._wake.notify()
        await asyncio.to_thread(self._thread.join)
        await asyncio.to_thread(self._log.close)
        self._connection.close()

    # --- in the thread ---

    def _run(self) -> None:
        while True:
            jobs = self._next()
            if jobs:
                outcomes = self._transact(jobs)
                try:
                    self._loop.call_soon_threadsafe(_deliver, outcomes)
                except RuntimeError:
                    return  # the loop is gone, and with it everybody who waited
            elif self._closing:
                return
            self._log.tend(self._connection, quiet=not jobs)

    def _next(self) -> list[Job]:
        """Return what waits; nothing when the store closes, or when a quiet moment is worth using."""
        with self._wake:
            self._wake.wait_for(lambda: self._waiting or self._closing, self._log.pause)
            taken: list[Job] = []
            room = MOST_TOGETHER
            while self._waiting and (not taken or self._waiting[0].weight <= room):
                taken.append(self._waiting.popleft())
                room -= taken[-1].weight
            return taken

    def _note_log(self, connection: apsw.Connection, name: str, pages: int) -> int:
        self._log.note(pages)
        return apsw.SQLITE_OK

    def _transact(self, jobs: Sequence[Job]) -> list[Outcome]:
        outcomes: list[Outcome] = []
        try:
            with immediate(self._connection):
                if generation(self._connection) != self._generation:
                    raise Unavailable(WHAT, "its indexes were changed by a newer configuration; restart this process")
                wanted = [job for job in jobs if not job.given_up]
                outcomes += self._at_once(wanted) or [(job, self._attempt(job.work)) for job in wanted]
        except apsw.Error as error:
            return [(job, translated(error)) for job in jobs]
        except IdpError as error:
            return [(job, error) for job in jobs]
        return outcomes

    def _at_once(self, jobs: Sequence[Job]) -> list[Outcome]:
        """Do the jobs as one; nothing is done, and nothing returned, when that cannot be."""
        work = self._join([job.work for job in jobs]) if len(jobs) > 1 else None
        if work is None or isinstance(self._attempt(work), Exception):
            return []
        return [(job, job.weight) for job in jobs]

    def _attempt(self, work: Work) -> int | Exception:
        self._connection.execute("SAVEPOINT job")
        try:
            answer = work(self._connection)
        except Exception as error:
            # One commit's failure is its caller's alone, whatever it is.
            if not self._connection.in_transaction:
                raise  # a full disk or the like has undone everybody's work
            self._connection.execute("ROLLBACK TO job; RELEASE job")
            return translated(error) if isinstance(error, apsw.Error) else error
        self._connection.execute("RELEASE job")
        return answer


def _deliver(outcomes: Sequence[Outcome]) -> None:
    for job, outcome in outcomes:
        if job.answer.done():
            continue
        if isinstance(outcome, Exception):
            job.answer.set_exception(outcome)
        else:
            job.answer.set_result(outcome)
