"""Reads that are made together: one command for all who ask before it is sent."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Generic, TypeVar

from idp.errors import DeadlineExceeded
from idp.store.mongo.client import WHAT
from idp.store.mongo.turns import Piece, Turns

Asked = TypeVar("Asked")
Answer = TypeVar("Answer")


class Gathered(Generic[Asked, Answer]):
    """Asks one question in place of many; nobody is told what was read before the question was put.

    `read` returns an answer to each that asks.
    """

    def __init__(
        self, read: Callable[[Sequence[Asked]], Awaitable[Sequence[Answer]]], timeout: float, at_once: int
    ) -> None:
        self._read = read
        self._timeout = timeout
        self._waiting: list[tuple[Asked, asyncio.Future[Answer]]] = []
        self._amount = 0
        self._turns = Turns(at_once, self._take)

    async def ask(self, asked: Asked) -> Answer:
        """Return the answer; raises what reading it raises, and DeadlineExceeded."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Answer] = loop.create_future()
        self._waiting.append((asked, answer))
        self._amount += 1
        self._turns.wake()
        timer = loop.call_later(self._timeout, _give_up, answer)
        try:
            return await answer
        finally:
            timer.cancel()
            self._amount -= 1

    @property
    def is_idle(self) -> bool:
        """Whether nobody waits for an answer."""
        return not self._amount

    def _take(self) -> Piece | None:
        waiting, self._waiting = [one for one in self._waiting if not one[1].done()], []
        return self._answer(waiting) if waiting else None

    async def _answer(self, waiting: Sequence[tuple[Asked, asyncio.Future[Answer]]]) -> None:
        try:
            answers = await self._read([asked for asked, _ in waiting])
        except Exception as error:  # noqa: BLE001 - whoever asked is told
            for _, answer in waiting:
                if not answer.done():
                    answer.set_exception(error)
            return
        for (_, answer), found in zip(waiting, answers, strict=True):
            if not answer.done():
                answer.set_result(found)


class Alike(Generic[Asked, Answer]):
    """Puts a question once that many ask at the same moment, and others beside it; `copied` copies an answer."""

    def __init__(
        self, read: Callable[[Asked], Awaitable[Answer]], copied: Callable[[Answer], Answer], timeout: float
    ) -> None:
        self._read = read
        self._copied = copied
        self._timeout = timeout
        self._asked: dict[Asked, Gathered[None, Answer]] = {}

    async def ask(self, asked: Asked) -> Answer:
        """Return an answer that nobody else has; raises what reading it raises, and DeadlineExceeded."""
        gathered = self._asked.get(asked)
        if gathered is None:
            gathered = self._asked[asked] = Gathered(partial(self._read_for, asked), self._timeout, at_once=1)
        try:
            return await gathered.ask(None)
        finally:
            if gathered.is_idle:
                self._asked.pop(asked, None)

    async def _read_for(self, asked: Asked, asking: Sequence[None]) -> Sequence[Answer]:
        answer = await self._read(asked)
        return [answer, *(self._copied(answer) for _ in asking[1:])]


def _give_up(answer: asyncio.Future[Answer]) -> None:
    if not answer.done():
        answer.set_exception(DeadlineExceeded(WHAT))
