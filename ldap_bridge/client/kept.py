"""Connections kept open between questions, shared by several threads."""

import time
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

from ldap_bridge.client.channel import Channel
from ldap_bridge.errors import DirectoryBusy, DirectoryUnable, DirectoryUnavailable

T = TypeVar("T")


class KeptChannels:
    """Keeps at most `most` idle channels, none longer than `idle` seconds; each question has a channel to itself.

    One that no longer `fits`, because its server has been found out of order meanwhile, is not used again. A question
    for which its server is busy is `put_off`: after that another channel leads to another one of so many `servers`.
    """

    def __init__(
        self,
        opened: Callable[[], Channel],
        most: int,
        idle: float,
        now: Callable[[], float] = time.monotonic,
        fits: Callable[[Channel], bool] = lambda _: True,
        put_off: Callable[[Channel], None] = lambda _: None,
        servers: int = 1,
    ) -> None:
        self._opened = opened
        self._most = most
        self._idle = idle
        self._now = now
        self._fits = fits
        self._put_off = put_off
        self._servers = servers
        self._kept: list[tuple[float, Channel]] = []

    def ask(self, question: Callable[[Channel], T]) -> T:
        """Ask over a kept channel, or over a fresh one when that has died. Raises what the question raises."""
        for _ in range(self._servers - 1):
            with suppress(DirectoryBusy):
                return self._ask(question)
        return self._ask(question)

    def _ask(self, question: Callable[[Channel], T]) -> T:
        if channel := self._take():
            try:
                return self._asked(channel, question)
            except DirectoryUnable:
                raise
            except DirectoryUnavailable:
                # Servers hang up on idle connections, and when one is dead the others are. To try each would take the
                # time of somebody who waits; only a fresh one can tell whether the server is there.
                self.close()
        return self._asked(self._opened(), question)

    def close(self) -> None:
        """Close what is idle."""
        while (found := self._pop()) is not None:
            found[1].close()

    def _take(self) -> Channel | None:
        """Return the channel used last; when that will not do, the others will not, either."""
        found = self._pop()
        if found is None:
            return None
        since, channel = found
        if self._now() - since <= self._idle and self._fits(channel):
            return channel
        channel.close()
        self.close()
        return None

    def _pop(self) -> tuple[float, Channel] | None:
        # Other threads take from the list meanwhile.
        with suppress(IndexError):
            return self._kept.pop()
        return None

    def _asked(self, channel: Channel, question: Callable[[Channel], T]) -> T:
        try:
            answer = question(channel)
        except DirectoryBusy:
            self._put_off(channel)
            channel.close()
            raise
        except BaseException:
            channel.close()
            raise
        if len(self._kept) < self._most:
            self._kept.append((self._now(), channel))
        else:
            channel.close()
        return answer
