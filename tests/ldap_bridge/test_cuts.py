"""A line that breaks at every five hundredth entry of a read: nobody is removed, and the run says what is missing."""

import socket
from collections.abc import Callable, Iterator

import pytest

from ldap_bridge.ber import Decoder, EntryMessage
from ldap_bridge.errors import DirectoryUnavailable
from ldap_bridge.runs import State
from tests.ldap_bridge.conftest import Bridge
from tests.support.directory import SYSTEM
from tests.support.ldap_wire import CuttingProxy
from tests.support.people import Company, make_company
from tests.support.ports import HOST
from tests.support.slapd import Slapd

PEOPLE, EVERY = 1_500, 500


class EntryCutter(CuttingProxy):
    """Hangs up in the middle of the octets that bring a line's entry of some number."""

    def __init__(self, port: int) -> None:
        super().__init__(port)
        self.entry = 0

    def _down(self, server: socket.socket, client: socket.socket) -> None:
        decoder, seen = Decoder(), 0
        while chunk := server.recv(8192):
            seen += sum(isinstance(message, EntryMessage) for message in decoder.feed(chunk))
            if self.entry and seen >= self.entry:
                client.sendall(chunk[: len(chunk) // 2])
                return
            client.sendall(chunk)


@pytest.fixture
def company() -> Company:
    return make_company(PEOPLE, 5)


@pytest.fixture
def cutter(slapd: Slapd) -> Iterator[tuple[EntryCutter, int]]:
    """A proxy before the server, and its port; it passes everything until told otherwise."""
    proxy = EntryCutter(slapd.port)
    with proxy.running() as port:
        yield proxy, port


async def test_nobody_is_removed_wherever_the_line_breaks(
    slapd: Slapd, company: Company, cutter: tuple[EntryCutter, int], bridge_to: Callable[..., Bridge]
) -> None:
    proxy, port = cutter
    bridge = bridge_to(f"ldap://{HOST}:{port}", page_size=EVERY)
    assert (await bridge.sync()).state == State.APPLIED
    gone = company.people[0]
    slapd.delete(gone.dn)
    for entry in range(EVERY, PEOPLE, EVERY):
        proxy.entry = entry
        run = await bridge.sync(whole=True)
        assert (run.state, run.counts["disable"], run.counts["members_removed"]) == (State.INCOMPLETE, 0, 0), entry
        assert "closed the connection" in run.gaps[0]
        assert 0 < run.people < PEOPLE
    assert await bridge.inactive() == set()

    slapd.stop()
    with pytest.raises(DirectoryUnavailable, match="'corp'"):
        await bridge.sync(whole=True)
    assert (await bridge.service.history.runs(SYSTEM, "corp"))[0].state == State.FAILED
    assert await bridge.inactive() == set()

    slapd.start()
    proxy.entry = 0
    run = await bridge.sync(whole=True)
    assert (run.state, run.counts["disable"]) == (State.APPLIED, 1)
    assert await bridge.inactive() == {gone.uid}
