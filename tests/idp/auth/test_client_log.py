"""The log of each client: bounded, written in the background, and never in anybody's way."""

import asyncio
from datetime import timedelta

import pytest

from idp.access import Actor, ActorKind
from idp.auth import ClientLog, LogEntry
from idp.auth.clients.log import KEPT
from idp.errors import PermissionDenied
from tests.support.authentication import SYSTEM, House, new_id
from tests.support.faulty_store import FaultyStore


@pytest.fixture
def log(house: House) -> ClientLog:
    return ClientLog(house.store, house.clock, new_id)


def entry(house: House, number: int = 0, operation: str = "PATCH /Users/{id}", status: int = 200) -> LogEntry:
    at = house.clock.now() + timedelta(milliseconds=number)
    return LogEntry(at, operation, f"user {number}", status, 1.25, "192.0.2.7", "r", {"title": "Dr… (5)"})


async def test_a_request_is_there_after_the_flush_as_it_was_noted(house: House, log: ClientLog) -> None:
    log.note("hr", entry(house))
    assert await log.of(SYSTEM, "hr", 10) == []
    await log.flush()
    [batch] = await log.of(SYSTEM, "hr", 10)
    assert batch.skipped == 0
    assert batch.entries == [
        {
            "at": "2026-03-11T09:26:53.589Z",
            "operation": "PATCH /Users/{id}",
            "resource": "user 0",
            "status": 200,
            "milliseconds": 1.2,
            "address": "192.0.2.7",
            "request": "r",
            "changed": {"title": "Dr… (5)"},
            "detail": "",
        }
    ]
    assert await log.of(SYSTEM, "other", 10) == []


async def test_reads_that_went_well_push_out_nothing(house: House, log: ClientLog) -> None:
    log.note("hr", entry(house, 0))
    for number in range(1, 500):
        if not log.skip_read("hr"):
            log.note("hr", entry(house, number, "GET /Users"))
    log.note("hr", entry(house, 500, "GET /Users", 403))
    await log.flush()
    [batch] = await log.of(SYSTEM, "hr", 10)
    assert [one["operation"] for one in batch.entries].count("GET /Users") == 21
    assert (batch.entries[0]["resource"], batch.entries[-1]["status"]) == ("user 0", 403)
    assert batch.skipped == 501 - len(batch.entries)


async def test_a_storm_of_writes_keeps_the_newest(house: House, log: ClientLog) -> None:
    for number in range(1000):
        log.note("hr", entry(house, number))
    await log.flush()
    [batch] = await log.of(SYSTEM, "hr", 10)
    assert (len(batch.entries), batch.entries[-1]["resource"], batch.skipped) == (200, "user 999", 800)


@pytest.mark.parametrize("stores", ["sqlite", "pymongo"], indirect=True)
async def test_what_is_over_the_bound_goes_and_the_newest_stays(house: House, log: ClientLog) -> None:
    for second in range(20):
        house.clock.advance(1)
        for number in range(100):
            log.note("hr", entry(house, second * 100 + number))
        log.note("other", entry(house))
        await log.flush()
    await log.prune()
    kept = [one for batch in await log.of(SYSTEM, "hr", 100) for one in batch.entries]
    assert KEPT <= len(kept) < KEPT + 100
    assert kept[-1]["resource"] == "user 1999"
    assert len(await log.of(SYSTEM, "other", 100)) == 20


async def test_after_a_week_it_is_forgotten(house: House, log: ClientLog) -> None:
    log.note("hr", entry(house))
    await log.flush()
    house.clock.advance(7 * 86_400)
    assert await log.of(SYSTEM, "hr", 10) == []


async def test_a_store_that_is_away_costs_the_log_and_nothing_else(house: House) -> None:
    away = FaultyStore(house.store, at=1, verbs=frozenset({"commit"}))
    log = ClientLog(away, house.clock, new_id)
    log.note("hr", entry(house))
    await log.flush()
    assert away.has_failed
    log.note("hr", entry(house, 1))
    await log.flush()
    [batch] = await log.of(SYSTEM, "hr", 10)
    assert [one["resource"] for one in batch.entries] == ["user 1"]


async def test_what_is_held_at_the_end_is_written(house: House, log: ClientLog) -> None:
    running = asyncio.create_task(log.run_forever())
    await asyncio.sleep(0)
    log.note("hr", entry(house))
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert len(await log.of(SYSTEM, "hr", 10)) == 1


async def test_only_who_may_see_clients_sees_their_log(log: ClientLog) -> None:
    with pytest.raises(PermissionDenied):
        await log.of(Actor(ActorKind.USER, "u", "u", role="user"), "hr", 10)
