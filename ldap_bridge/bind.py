"""Passwords of directory people, checked by binding as them: a bounded number of kept connections, bound again."""

import asyncio
import dataclasses
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from functools import cached_property
from threading import Lock
from typing import TYPE_CHECKING, Final, Protocol

from idp.auth import Verdict
from idp.directory import Resource
from idp.errors import Overloaded
from idp.store.contract import Store
from ldap_bridge.errors import DirectoryUnavailable
from ldap_bridge.links import Link, Links
from ldap_bridge.sections import as_list
from ldap_bridge.settings import Source

if TYPE_CHECKING:
    from ldap_bridge.client import Channel, LdapDirectory

_SUCCESS: Final = 0
# What a server says of a wrong name or password, or of an account that may not bind (RFC 4511 appendix A):
# constraintViolation, noSuchObject, inappropriateAuthentication, invalidCredentials, unwillingToPerform.
_WRONG: Final = frozenset({19, 32, 48, 49, 53})
_WAITING_PER_CONNECTION: Final = 16


class Prover(Protocol):
    """Something that can tell whether a password belongs to an entry. Blocks; called from several threads."""

    def prove(self, link: Link, password: str) -> bool:
        """Tell whether the password is right. Raises DirectoryError when nobody can tell."""
        ...

    def close(self) -> None:
        """Let go of what is kept open."""
        ...


class LdapBind:
    """A `PasswordVerifier` for the people of one source. Close it at the end."""

    def __init__(self, source: Source, store: Store, prover: Prover, at_once: int) -> None:
        self._source = source
        self._links = Links(store, source.name)
        self._prover = prover
        self._threads = ThreadPoolExecutor(at_once, thread_name_prefix=f"bind-{source.name}")
        self._room = at_once * _WAITING_PER_CONNECTION
        self._under_way = 0
        self._lock = Lock()

    async def verify(self, user: Resource, password: str) -> Verdict:
        """Return RIGHT, WRONG, or ABSENT for who is not there; an empty password never reaches the directory.

        Raises DirectoryUnavailable when the directory cannot tell, Overloaded when too many wait already.
        """
        if not password:
            return Verdict.WRONG
        link = await self._links.of_resource(user.id)
        if link is None or link.gone:
            return Verdict.ABSENT
        right = await self._in_thread(lambda: self._prover.prove(link, password))
        return Verdict.RIGHT if right else Verdict.WRONG

    def close(self) -> None:
        """Close the kept connections; checks under way come to their end first."""
        self._threads.shutdown(cancel_futures=True)
        self._prover.close()

    async def _in_thread(self, work: Callable[[], bool]) -> bool:
        with self._lock:
            if self._under_way >= self._room:
                raise Overloaded(f"directory {self._source.name!r}")
            self._under_way += 1
        future = self._threads.submit(work)
        # Not when the caller stops waiting: the thread works on, and its place is taken until it has finished.
        future.add_done_callback(self._leave)
        return await asyncio.wrap_future(future)

    def _leave(self, _: "Future[bool]") -> None:
        with self._lock:
            self._under_way -= 1


class ServerProver:
    """Binds at the server. Connections are kept and bound again: that is three times as fast as a fresh one each."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._idle: list[Channel] = []

    def prove(self, link: Link, password: str) -> bool:
        """Bind as the entry; when that fails, look whether it is called something else by now."""
        if self._binds(link.dn, password):
            return True
        bases = as_list(self._source.users.base) or as_list(self._source.base)
        present = self._directory.present_dn(bases, self._source.stable_id, link.stable)
        return present is not None and present != link.dn and self._binds(present, password)

    def close(self) -> None:
        """Close the idle connections."""
        # Other threads take from the list meanwhile.
        with suppress(IndexError):
            while True:
                self._idle.pop().close()

    @cached_property
    def _directory(self) -> "LdapDirectory":
        # Not before somebody logs in, because ldap3 is slow to import; see ldap_bridge.directories.
        from ldap_bridge import client

        assert self._source.server is not None  # noqa: S101 (files have a prover of their own)
        # Somebody waits in front of a page: an answer that takes longer than a connection may is too late.
        server = dataclasses.replace(self._source.server, timeout=self._source.server.connect_timeout)
        return client.LdapDirectory(self._source.name, server)

    def _binds(self, dn: str, password: str) -> bool:
        try:
            return self._bind(self._idle.pop(), dn, password)
        except IndexError:
            pass
        except DirectoryUnavailable:
            # Servers hang up on idle connections, and when one is dead the others are. To try each would take the time
            # of somebody who waits; only a fresh one can tell whether the server is there.
            self.close()
        return self._bind(self._directory.open(), dn, password)

    def _bind(self, channel: "Channel", dn: str, password: str) -> bool:
        keep = False
        try:
            result = channel.bind(dn, password)
            if result.code != _SUCCESS and result.code not in _WRONG:
                refused = channel.refused(f"a bind as {dn!r} is", result)
                raise DirectoryUnavailable(self._source.name, refused.reason)
            keep = True
            return result.code == _SUCCESS
        finally:
            if keep:
                self._idle.append(channel)
            else:
                channel.close()


def open_verifier(source: Source, store: Store) -> LdapBind:
    """Return the verifier of a source's people: by bind at its server, or by the hashes in its file."""
    if source.server is not None:
        return LdapBind(source, store, ServerProver(source), source.server.binds)
    from ldap_bridge.ldif_passwords import FileProver

    return LdapBind(source, store, FileProver(source), 1)
