"""Connections are kept between questions: a few, not for ever, and a dead one is replaced."""

from collections.abc import Iterator
from contextlib import ExitStack, closing

import pytest

from ldap_bridge.client import Channel, KeptChannels
from ldap_bridge.errors import DirectoryBusy, DirectoryUnable, DirectoryUnavailable
from ldap_bridge.settings import parse
from tests.support.ldap_wire import responder
from tests.support.people import BASE
from tests.support.ports import HOST


class Counted(Channel):
    """Tells whether it was closed."""

    closed = False

    def close(self) -> None:
        self.closed = True
        super().close()


class Counter:
    """Opens channels to a server that accepts every bind, and remembers them; the test moves its clock."""

    def __init__(self, port: int) -> None:
        source = parse("corp", {"url": f"ldap://{HOST}:{port}", "base": BASE})
        assert source.server is not None
        self._server = source.server
        self.opened: list[Channel] = []
        self.now = 0.0
        self.fits = True

    def open(self) -> Channel:
        self.opened.append(Counted("corp", self._server))
        return self.opened[-1]

    def kept(self, most: int = 2) -> KeptChannels:
        return KeptChannels(self.open, most, 60.0, lambda: self.now, lambda _: self.fits)


@pytest.fixture
def counter() -> Iterator[Counter]:
    with responder(lambda _: None) as port, ExitStack() as at_end:
        made = Counter(port)
        yield made
        for channel in made.opened:
            at_end.callback(channel.close)


def bind(channel: Channel) -> int:
    return channel.bind("cn=a", "b").code


def is_open(channel: Channel) -> bool:
    assert isinstance(channel, Counted)
    return not channel.closed


def test_one_question_after_another_needs_one_connection(counter: Counter) -> None:
    with closing(counter.kept()) as kept:
        assert [kept.ask(bind) for _ in range(5)] == [0] * 5
    assert len(counter.opened) == 1


def test_no_more_are_kept_than_allowed(counter: Counter) -> None:
    with closing(counter.kept(most=2)) as kept:
        kept.ask(lambda _: kept.ask(lambda _: kept.ask(bind)))
        assert [is_open(channel) for channel in counter.opened] == [False, True, True]
    assert not any(map(is_open, counter.opened))


def test_none_is_kept_for_ever(counter: Counter) -> None:
    with closing(counter.kept()) as kept:
        kept.ask(bind)
        counter.now = 60.0
        kept.ask(bind)
        assert len(counter.opened) == 1
        counter.now = 120.1
        kept.ask(bind)
    assert len(counter.opened) == 2
    assert not is_open(counter.opened[0])


def test_a_dead_one_is_replaced_and_takes_the_others_with_it(counter: Counter) -> None:
    with closing(counter.kept()) as kept:
        kept.ask(lambda _: kept.ask(bind))
        for channel in counter.opened:
            channel.interrupt()
        assert kept.ask(bind) == 0
        assert [is_open(channel) for channel in counter.opened] == [False, False, True]


def test_none_is_used_any_more_when_its_server_is_out_of_order(counter: Counter) -> None:
    with closing(counter.kept()) as kept:
        kept.ask(lambda _: kept.ask(bind))
        counter.fits = False
        kept.ask(bind)
        assert [is_open(channel) for channel in counter.opened] == [False, False, True]
        counter.fits = True
        kept.ask(bind)
    assert len(counter.opened) == 3


def test_a_question_for_which_its_server_is_busy_is_asked_at_each_other_server_once(counter: Counter) -> None:
    put_off: list[Channel] = []

    def question(channel: Channel) -> int:
        if len(put_off) < 2:
            raise DirectoryBusy("corp", "later")
        return bind(channel)

    kept = KeptChannels(counter.open, 2, 60.0, lambda: counter.now, put_off=put_off.append, servers=3)
    assert kept.ask(question) == 0
    assert put_off == counter.opened[:2]
    assert [is_open(channel) for channel in counter.opened] == [False, False, True]
    put_off.clear()
    alone = KeptChannels(counter.open, 2, 60.0, lambda: counter.now)
    with pytest.raises(DirectoryBusy):
        alone.ask(question)


@pytest.mark.parametrize("error", [DirectoryUnable("corp", "busy"), ValueError("ours")])
def test_what_is_no_outage_is_not_asked_twice(counter: Counter, error: Exception) -> None:
    asked = []

    def question(channel: Channel) -> None:
        asked.append(channel)
        raise error

    with closing(counter.kept()) as kept:
        kept.ask(bind)
        with pytest.raises(type(error)):
            kept.ask(question)
    assert len(asked) == 1


def test_a_fresh_one_that_fails_tells(counter: Counter) -> None:
    def question(_: Channel) -> None:
        raise DirectoryUnavailable("corp", "gone")

    with closing(counter.kept()) as kept, pytest.raises(DirectoryUnavailable):
        kept.ask(question)
    assert not is_open(counter.opened[0])
