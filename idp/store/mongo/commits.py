"""Where commits wait: those that come while others are made share a transaction, and with it its round trips."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence, Set
from dataclasses import dataclass
from typing import Final

from idp.errors import DeadlineExceeded, Overloaded
from idp.store.mongo.client import WHAT
from idp.store.mongo.joint import Commit, choose
from idp.store.mongo.plan import Key
from idp.store.mongo.turns import Piece, Turns

_AT_ONCE: Final = 2
"""Transactions under way at one time: while one is on its way to the disk, the next is put together."""

Together = Callable[[Sequence[Commit]], Awaitable[bool]]
Blamed = Callable[[Sequence[Commit]], Awaitable[Set[Commit]]]
Alone = Callable[[Commit], Awaitable[None]]


@dataclass(slots=True, eq=False)
class _Job:
    """A commit that somebody waits for."""

    commit: Commit
    answer: asyncio.Future[None]

    @property
    def given_up(self) -> bool:
        """Whether its time was over before it came out."""
        return self.answer.done() and not self.answer.cancelled()

    def end(self, error: Exception | None) -> None:
        """Tell whoever still waits how it came out."""
        if self.answer.done():
            return
        if error is None:
            self.answer.set_result(None)
        else:
            self.answer.set_exception(error)


class Commits:
    """Makes commits, many of them as one.

    `together` makes several in one transaction, or none of them, and tells which; `blamed` looks in whose way something
    stood, and `alone` makes one. What fails together is tried again in smaller company, so that in the end only that
    fails in whose way something stands.
    """

    def __init__(self, together: Together, blamed: Blamed, alone: Alone, max_waiting: int, timeout: float) -> None:
        self._together = together
        self._blamed = blamed
        self._alone = alone
        self._max_waiting = max_waiting
        self._timeout = timeout
        self._amount = 0
        self._is_idle = asyncio.Event()
        self._is_idle.set()
        self._waiting: dict[Commit, _Job] = {}
        self._busy: set[Key] = set()
        self._turns = Turns(_AT_ONCE, self._take)

    async def make(self, commit: Commit) -> None:
        """Make the commit; whoever leaves takes the answer along, not the commit.

        Raises what `alone` raises, Overloaded, and DeadlineExceeded: then only what has not begun is dropped.
        """
        if self._amount >= self._max_waiting:
            raise Overloaded(WHAT)
        loop = asyncio.get_running_loop()
        job = _Job(commit, loop.create_future())
        self._count(1)
        if commit.is_sociable:
            self._waiting[commit] = job
            self._turns.wake()
        else:
            self._turns.begin(self._by_itself(job))
        timer = loop.call_later(self._timeout, self._give_up, job)
        try:
            await job.answer
        finally:
            timer.cancel()

    async def close(self) -> None:
        """Return when all is made that has been asked for."""
        await self._is_idle.wait()

    def _count(self, more: int) -> None:
        self._amount += more
        if self._amount:
            self._is_idle.clear()
        else:
            self._is_idle.set()

    def _give_up(self, job: _Job) -> None:
        if self._waiting.pop(job.commit, None):
            self._count(-1)
        job.end(DeadlineExceeded(WHAT))

    def _take(self) -> Piece | None:
        commits = choose(self._waiting, self._busy)
        self._busy.update(*(commit.touched for commit in commits))
        jobs = [self._waiting.pop(commit) for commit in commits]
        return self._made(jobs) if jobs else None

    # --- how they are made ---

    async def _made(self, jobs: Sequence[_Job]) -> None:
        if len(jobs) == 1:
            await self._by_itself(jobs[0])
        elif not await self._is_done(jobs):
            await asyncio.gather(*map(self._made, await self._parts(jobs)))

    async def _parts(self, jobs: Sequence[_Job]) -> list[Sequence[_Job]]:
        """Return in what company to try them next: whoever is to blame alone, and if nobody seems to be, in halves."""
        try:
            blamed = await self._blamed([job.commit for job in jobs])
        except Exception:  # noqa: BLE001 - the look only saves trials, in which whatever is wrong comes out
            blamed = frozenset()
        others = [job for job in jobs if job.commit not in blamed]
        if len(others) == len(jobs):
            return [jobs[: len(jobs) // 2], jobs[len(jobs) // 2 :]]
        return [*([job] for job in jobs if job.commit in blamed), *([others] if others else ())]

    async def _is_done(self, jobs: Sequence[_Job]) -> bool:
        """Make them together; False when they have to be tried in smaller company."""
        error = None
        try:
            if not await self._together([job.commit for job in jobs]):
                return False
        except Exception as caught:  # noqa: BLE001 - whoever waits for it is told
            error = caught
        self._end(jobs, error)
        return True

    async def _by_itself(self, job: _Job) -> None:
        error = None
        try:
            if not job.given_up:
                await self._alone(job.commit)
        except Exception as caught:  # noqa: BLE001 - whoever waits for it is told
            error = caught
        self._end([job], error)

    def _end(self, jobs: Sequence[_Job], error: Exception | None) -> None:
        self._count(-len(jobs))
        for job in jobs:
            self._busy -= job.commit.touched
            job.end(error)
        self._turns.wake()
