"""The outbox: every letter goes out once, when it can, and no longer than it is of use."""

import asyncio
import os
from pathlib import Path

import pytest

from idp.auth.sealing import Sealer
from idp.errors import Unavailable
from idp.mail import FileSender, Letter, Mailer, Outbox, Refused, messages
from idp.query import Query
from idp.store import Store
from tests.support.clock import FakeClock
from tests.support.faulty_store import FaultyStore
from tests.support.stores import BACKENDS

DAY = 86400
on_every_store = pytest.mark.parametrize("store", BACKENDS, indirect=True)


class Box:
    """A sender that keeps letters, or does what it is told instead."""

    def __init__(self) -> None:
        self.letters: list[Letter] = []
        self.error: Exception | None = None
        self.once: Exception | None = None
        self.gate: asyncio.Event | None = None
        self.asked, self.sent = asyncio.Event(), asyncio.Event()

    async def send(self, letter: Letter) -> None:
        self.asked.set()
        if self.gate:
            await self.gate.wait()
        if self.once:
            error, self.once = self.once, None
            raise error
        if self.error:
            raise self.error
        self.letters.append(letter)
        self.sent.set()


@pytest.fixture
def box() -> Box:
    return Box()


@pytest.fixture
def outbox(store: Store, clock: FakeClock, box: Box, seal: Sealer) -> Outbox:
    return Outbox(store, clock, box, seal)


async def queue(store: Store, mailer: Mailer, to: str = "ada@example.test") -> None:
    await store.commit([mailer.queue(messages.password_changed(to, "Ada"))])


async def waiting(store: Store) -> list[dict[str, object]]:
    return [record.document for record in (await store.find("outbox", Query())).records]


async def test_a_queued_letter_is_delivered_once_and_forgotten(
    outbox: Outbox, box: Box, store: Store, mailer: Mailer
) -> None:
    await queue(store, mailer)
    assert await outbox.deliver_due() == 1
    assert await outbox.deliver_due() == 0
    assert [letter.to for letter in box.letters] == ["ada@example.test"]
    assert "was changed" in box.letters[0].subject
    assert await waiting(store) == []


async def test_a_hundred_letters_go_out_in_one_go(outbox: Outbox, box: Box, store: Store, mailer: Mailer) -> None:
    for number in range(100):
        await queue(store, mailer, f"p{number}@example.test")
    assert await outbox.deliver_due() == 100
    assert len({letter.to for letter in box.letters}) == 100


@on_every_store
async def test_workers_side_by_side_send_each_letter_once(
    store: Store, clock: FakeClock, seal: Sealer, mailer: Mailer, box: Box
) -> None:
    for number in range(30):
        await queue(store, mailer, f"p{number}@example.test")
    workers = [Outbox(store, clock, box, seal) for _ in range(4)]
    sent = await asyncio.gather(*(worker.deliver_due() for worker in workers))
    assert sum(sent) == len(box.letters) == 30


@on_every_store
async def test_while_the_server_is_away_letters_wait_ever_longer_and_then_go(
    outbox: Outbox, box: Box, store: Store, mailer: Mailer, clock: FakeClock
) -> None:
    await queue(store, mailer)
    box.error = Unavailable("mail server", "it answered 451")
    pauses: list[int] = []
    waited = 0
    for _ in range(4):
        assert await outbox.deliver_due() == 0
        while (await waiting(store))[0]["attempts"] == len(pauses) + 1:
            clock.advance(1)
            waited += 1
            await outbox.deliver_due()
        pauses.append(waited)
        waited = 0
    assert pauses == [10, 20, 40, 80]
    letter = (await waiting(store))[0]
    assert letter["state"] == "waiting"
    assert letter["error"] == "mail server: it answered 451"
    box.error = None
    clock.advance(3600)
    assert await outbox.deliver_due() == 1


async def test_a_letter_whose_key_is_missing_says_so_and_goes_when_the_key_is_back(
    outbox: Outbox, box: Box, store: Store, mailer: Mailer, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    await queue(store, mailer)
    assert await Outbox(store, clock, box, Sealer([bytes(range(32))], os.urandom)).deliver_due() == 0
    assert "waits for 0:00:10: it cannot be opened: the key" in caplog.text
    clock.advance(10)
    assert await outbox.deliver_due() == 1


async def test_a_letter_that_came_to_nothing_is_dropped_when_it_is_of_no_use(
    outbox: Outbox, box: Box, store: Store, mailer: Mailer, clock: FakeClock
) -> None:
    await queue(store, mailer)
    box.error = Unavailable("mail server")
    await outbox.deliver_due()
    clock.advance(3 * DAY)
    box.error = None
    assert await outbox.deliver_due() == 0
    assert await waiting(store) == []


async def test_what_is_refused_for_good_is_kept_without_its_words_and_not_tried_again(
    outbox: Outbox, box: Box, store: Store, mailer: Mailer, clock: FakeClock
) -> None:
    await queue(store, mailer)
    box.error = Refused("the mail server refused the letter with 550")
    assert await outbox.deliver_due() == 0
    [letter] = await waiting(store)
    assert (letter["state"], letter["sealed"]) == ("failed", "")
    assert letter["error"] == "the mail server refused the letter with 550"
    box.error = None
    clock.advance(DAY)
    assert await outbox.deliver_due() == 0


async def test_one_bad_letter_does_not_hold_up_the_others(
    outbox: Outbox, box: Box, store: Store, mailer: Mailer, seal: Sealer
) -> None:
    broken = mailer.queue(messages.password_changed("eve@example.test", "Eve"))
    await store.commit([type(broken)("outbox", {**broken.document, "sealed": seal.seal(b"{}", "something else")})])
    await queue(store, mailer)
    assert await outbox.deliver_due() == 1
    [letter] = await waiting(store)
    assert (letter["to"], letter["state"]) == ("eve@example.test", "waiting")


async def test_a_worker_that_died_in_the_middle_is_replaced_after_its_lease(
    outbox: Outbox, box: Box, store: Store, mailer: Mailer, clock: FakeClock
) -> None:
    await queue(store, mailer)
    box.gate = asyncio.Event()
    dying = asyncio.create_task(outbox.deliver_due())
    await box.asked.wait()
    dying.cancel()
    await asyncio.gather(dying, return_exceptions=True)
    box.gate = None
    assert await outbox.deliver_due() == 0
    clock.advance(121)
    assert await outbox.deliver_due() == 1


async def test_a_letter_is_to_be_seen_before_while_and_after_it_is_written(
    store: Store, clock: FakeClock, mailer: Mailer, seal: Sealer, tmp_path: Path
) -> None:
    class SlowFiles(FileSender):
        async def send(self, letter: Letter) -> None:
            taken.set()
            await go_on.wait()
            await super().send(letter)

    async def seen() -> list[str]:
        return [letter.to for letter in files.letters(await outbox.waiting())]

    taken, go_on = asyncio.Event(), asyncio.Event()
    files = SlowFiles(tmp_path / "mail", "gatehouse@example.test")
    outbox = Outbox(store, clock, files, seal)
    await queue(store, mailer, "eve@example.test")
    assert await seen() == ["eve@example.test"]
    clock.advance(60)
    await queue(store, mailer)
    sending = asyncio.create_task(outbox.deliver_due())
    await taken.wait()
    assert await Outbox(store, clock, files, seal).deliver_due() == 0, "another worker has it"
    assert await seen() == ["ada@example.test", "eve@example.test"]
    waiting_before = await outbox.waiting()
    go_on.set()
    assert await sending == 2
    assert await outbox.waiting() == []
    shown = files.letters(waiting_before)
    assert [letter.to for letter in shown] == ["ada@example.test", "eve@example.test"], "none twice"
    assert shown == files.letters()


@pytest.mark.parametrize("error", [None, RuntimeError("a fault of ours")])
async def test_the_endless_delivery_survives_whatever_happens(
    store: Store,
    clock: FakeClock,
    seal: Sealer,
    mailer: Mailer,
    box: Box,
    caplog: pytest.LogCaptureFixture,
    error: Exception | None,
) -> None:
    box.once = error
    faulty = FaultyStore(store, at=1)
    running = asyncio.create_task(Outbox(faulty, clock, box, seal).run_forever(pause=0))
    await queue(store, mailer)
    await box.asked.wait()
    clock.advance(121)
    await box.sent.wait()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert faulty.has_failed
    assert "the outbox waits" in caplog.text
    assert ("the outbox failed" in caplog.text) == (error is not None)
