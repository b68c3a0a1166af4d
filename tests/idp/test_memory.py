"""What is remembered, and when it is forgotten."""

from idp.memory import Memory, Stamp


class Store:
    def __init__(self) -> None:
        self.stamp: Stamp | None = (1,)

    def now(self) -> Stamp | None:
        return self.stamp


def test_what_is_kept_is_known_until_the_stamp_is_another() -> None:
    store = Store()
    memory = Memory[str](store.now, 1_000)
    stamp, known = memory.look("k")
    assert known is None
    memory.keep("k", "value", stamp)
    assert memory.look("k") == ((1,), "value")
    store.stamp = (2,)
    assert memory.look("k") == ((2,), None)


def test_what_was_read_before_somebody_committed_is_not_kept() -> None:
    store = Store()
    memory = Memory[str](store.now, 1_000)
    before, _ = memory.look("k")
    store.stamp = (2,)
    memory.look("other")
    memory.keep("k", "read before the commit", before)
    assert memory.look("k") == ((2,), None)


def test_without_a_stamp_nothing_is_known() -> None:
    store = Store()
    memory = Memory[str](store.now, 1_000)
    stamp, _ = memory.look("k")
    memory.keep("k", "value", stamp)
    store.stamp = None
    assert memory.look("k") == (None, None)
    memory.keep("k", "value", None)
    store.stamp = (3,)
    assert memory.look("k") == ((3,), None)


def test_a_full_memory_begins_anew_and_takes_nothing_huge() -> None:
    store = Store()
    memory = Memory[int](store.now, 1_000)
    for number in range(101):
        stamp, _ = memory.look(number)
        memory.keep(number, number, stamp, size=10)
    assert [memory.look(number)[1] for number in (0, 99, 100)] == [None, None, 100]
    stamp, _ = memory.look("huge")
    memory.keep("huge", 1, stamp, size=11)
    assert memory.look("huge")[1] is None
