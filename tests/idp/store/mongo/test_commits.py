"""Where commits wait for each other: whom they are made with, and what each is told."""

import asyncio
from collections.abc import Callable, Sequence, Set
from typing import Any

import pytest

from idp.errors import DeadlineExceeded, Overloaded, Unavailable
from idp.store.mongo.commits import Commits
from idp.store.mongo.joint import Commit


def commit(*touched: str) -> Commit:
    return Commit((), None, frozenset(("plain", key) for key in touched), is_sociable=True)


class Server:
    """Makes commits as told: together only if none of them is `bad`, and none before the gate is open."""

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.open.set()
        self.begun = asyncio.Event()
        self.bad: set[Commit] = set()
        self.blame: Callable[[Sequence[Commit]], Set[Commit]] = self.bad.intersection
        self.down: Exception | None = None
        self.tried: list[list[Commit]] = []
        self.made: list[Commit] = []

    async def together(self, commits: Sequence[Commit]) -> bool:
        self.tried.append([*commits])
        await self.open.wait()
        if self.down:
            raise self.down
        if self.bad.isdisjoint(commits):
            self.made += commits
            return True
        return False

    async def blamed(self, commits: Sequence[Commit]) -> Set[Commit]:
        return self.blame(commits)

    async def alone(self, one: Commit) -> None:
        self.begun.set()
        await self.open.wait()
        if one in self.bad:
            raise ZeroDivisionError
        self.made.append(one)


def commits_to(server: Server, max_waiting: int = 100, timeout: float = 60) -> Commits:
    return Commits(server.together, server.blamed, server.alone, max_waiting, timeout)


async def told(commits: Commits, some: Sequence[Commit]) -> list[Any]:
    return list(await asyncio.gather(*map(commits.make, some), return_exceptions=True))


def nobody(_: Sequence[Commit]) -> Set[Commit]:
    return set()


def out_of_order(_: Sequence[Commit]) -> Set[Commit]:
    raise RuntimeError("the driver is out of order")


def away(_: Sequence[Commit]) -> Set[Commit]:
    raise Unavailable("the store")


@pytest.mark.parametrize("blame", [None, nobody, away, out_of_order])
async def test_whoever_looks_for_the_guilty_only_they_fail_and_nothing_stays_taken(
    blame: Callable[[Sequence[Commit]], Set[Commit]] | None,
) -> None:
    server, some = Server(), [commit(f"{number}") for number in range(9)]
    server.bad |= {some[2], some[6]}
    server.blame = blame or server.blame
    commits = commits_to(server, timeout=5)
    outcomes = await told(commits, some)
    assert [number for number, outcome in enumerate(outcomes) if outcome] == [2, 6]
    assert {type(outcome) for outcome in outcomes if outcome} == {ZeroDivisionError}
    server.bad.clear()
    assert await told(commits, some) == [None] * 9
    await commits.close()


async def test_when_nobody_knows_how_it_ended_all_are_told_so_and_none_is_tried_again() -> None:
    server, some = Server(), [commit("1"), commit("2")]
    server.down = DeadlineExceeded("the store")
    assert await told(commits_to(server), some) == [server.down] * 2
    assert server.tried == [some]


async def test_what_waits_for_the_same_record_is_made_after_it_and_dropped_when_its_time_is_over() -> None:
    server, first, second = Server(), commit("1"), commit("1", "2")
    server.open.clear()
    commits = commits_to(server, timeout=0.3)
    outcomes = await told(commits, [first, second])
    assert [type(outcome) for outcome in outcomes] == [DeadlineExceeded] * 2
    server.open.set()
    await commits.close()
    assert server.made == [first]
    assert await told(commits, [first, second]) == [None, None]
    assert server.made == [first, first, second]


async def test_a_commit_whose_caller_left_is_made_and_closing_waits_for_it() -> None:
    server, one = Server(), commit("1")
    server.open.clear()
    commits = commits_to(server)
    caller = asyncio.create_task(commits.make(one))
    await server.begun.wait()
    caller.cancel()
    closing = asyncio.create_task(commits.close())
    await asyncio.wait({caller})
    assert not closing.done()
    server.open.set()
    await closing
    assert server.made == [one]


async def test_no_more_wait_than_may() -> None:
    server = Server()
    server.open.clear()
    commits = commits_to(server, max_waiting=2)
    waiting = [asyncio.create_task(commits.make(commit(key))) for key in "ab"]
    await asyncio.sleep(0)
    with pytest.raises(Overloaded):
        await commits.make(commit("c"))
    server.open.set()
    await asyncio.gather(*waiting)
    await commits.make(commit("c"))
