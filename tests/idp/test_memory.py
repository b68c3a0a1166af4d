"""What is remembered, and when it is forgotten."""

from idp.memory import Memory, Moment, Stamp


class Store:
    def __init__(self) -> None:
        self.stamp: Stamp | None = (1,)
        self.moments: list[Moment | None] = []

    async def now(self, moment: Moment | None = None) -> Stamp | None:
        self.moments.append(moment)
        return self.stamp


async def test_what_is_kept_is_known_until_the_stamp_is_another() -> None:
    store = Store()
    memory = Memory[str](store.now, 1_000)
    stamp, known = await memory.look("k")
    assert known is None
    memory.keep("k", "value", stamp)
    assert await memory.look("k") == ((1,), "value")
    store.stamp = (2,)
    assert await memory.look("k") == ((2,), None)


async def test_what_was_read_before_somebody_committed_is_not_kept() -> None:
    store = Store()
    memory = Memory[str](store.now, 1_000)
    before, _ = await memory.look("k")
    store.stamp = (2,)
    await memory.look("other")
    memory.keep("k", "read before the commit", before)
    assert await memory.look("k") == ((2,), None)


async def test_without_a_stamp_nothing_is_known() -> None:
    store = Store()
    memory = Memory[str](store.now, 1_000)
    stamp, _ = await memory.look("k")
    memory.keep("k", "value", stamp)
    store.stamp = None
    assert await memory.look("k") == (None, None)
    memory.keep("k", "value", None)
    store.stamp = (3,)
    assert await memory.look("k") == ((3,), None)


async def test_a_full_memory_begins_anew_and_takes_nothing_huge() -> None:
    store = Store()
    memory = Memory[int](store.now, 1_000)
    for number in range(101):
        stamp, _ = await memory.look(number)
        memory.keep(number, number, stamp, size=10)
    assert [(await memory.look(number))[1] for number in (0, 99, 100)] == [None, None, 100]
    stamp, _ = await memory.look("huge")
    memory.keep("huge", 1, stamp, size=11)
    assert (await memory.look("huge"))[1] is None


async def test_of_several_keys_those_that_are_known_are_told() -> None:
    memory = Memory[str](Store().now, 1_000)
    stamp, known = await memory.look_for(["a", "b"])
    assert known == {}
    memory.keep("b", "value", stamp)
    assert await memory.look_for(["a", "b"]) == ((1,), {"b": "value"})


async def test_the_stamp_is_asked_for_as_of_the_moment_that_was_given() -> None:
    store, moment = Store(), Moment()
    memory = Memory[str](store.now, 1_000)
    await memory.look("k", moment)
    await memory.look_for(["k"], moment)
    await memory.look_for(["k"])
    assert store.moments == [moment, moment, None]
