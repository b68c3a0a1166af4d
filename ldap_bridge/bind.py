"""Passwords of directory people, checked by binding as them: a bounded number of kept connections, bound again."""

import asyncio
import dataclasses
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cached_property
from threading import Lock
from typing import TYPE_CHECKING, Final, Protocol, TypeVar

from idp.auth import Verdict
from idp.directory import Resource
from idp.errors import Overloaded
from idp.store.contract import Store
from ldap_bridge.ber import BerError
from ldap_bridge.bind_answers import PASSWORD_POLICY, verdict_of
from ldap_bridge.entries import Entry
from ldap_bridge.errors import (
    DirectoryBusy,
    DirectoryGarbled,
    DirectorySilent,
    DirectoryUnable,
    DirectoryUnanswered,
    DirectoryUnavailable,
)
from ldap_bridge.links import Link, Links
from ldap_bridge.mapping import STABLE_DN, Mapper
from ldap_bridge.settings import Source

if TYPE_CHECKING:
    from ldap_bridge.client import Channel, KeptChannels, LdapDirectory

T = TypeVar("T")
_WAITING_PER_CONNECTION: Final = 16
# Who may have one login; a server that sends more was not asked for them.
_MOST_FOUND: Final = 1_000


class Prover(Protocol):
    """Something that can tell whether a password belongs to an entry. Blocks; called from several threads."""

    def prove(self, link: Link, password: str) -> Verdict:
        """Return what is to be said of the password. Raises DirectoryError when nobody can tell."""
        ...

    def find(self, login: str) -> list[Entry]:
        """Return the people of the source who may have a login. Raises DirectoryError."""
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
        """Return what the directory says, ABSENT of who is not there; an empty password never reaches it.

        Raises DirectoryUnavailable when the directory cannot tell, Overloaded when too many wait already.
        """
        if not password:
            return Verdict.WRONG
        link = await self._links.of_resource(user.id)
        if link is None or link.gone:
            return Verdict.ABSENT
        return await self.prove(link, password)

    async def prove(self, link: Link, password: str) -> Verdict:
        """Return what the directory says of the password of an entry, which need not be anybody's here yet."""
        return await self._in_thread(lambda: self._prover.prove(link, password))

    async def find(self, login: str) -> list[Entry]:
        """Return the people of the source who may have a login. Raises DirectoryError, Overloaded."""
        return await self._in_thread(lambda: self._prover.find(login))

    def close(self) -> None:
        """Close the kept connections; checks under way come to their end first."""
        self._threads.shutdown(cancel_futures=True)
        self._prover.close()

    async def _in_thread(self, work: Callable[[], T]) -> T:
        with self._lock:
            if self._under_way >= self._room:
                raise Overloaded(f"directory {self._source.name!r}")
            self._under_way += 1
        future = self._threads.submit(work)
        # Not when the caller stops waiting: the thread works on, and its place is taken until it has finished.
        future.add_done_callback(self._leave)
        return await asyncio.wrap_future(future)

    def _leave(self, _: "Future[T]") -> None:
        with self._lock:
            self._under_way -= 1


class ServerProver:
    """Binds at the server, over connections that are kept: that is three times as fast as a fresh one each.

    Each entry is looked up by its stable id first. It may have moved since the last run, and somebody else may have
    its name by now, whose password must not open this account.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        self._mapper = Mapper(source)

    def prove(self, link: Link, password: str) -> Verdict:
        """Bind as the entry, by whatever name it has now; ABSENT when it is not among the source's people any more."""
        dn = link.dn if self._source.stable_id.lower() == STABLE_DN else self._present_dn(link)
        if dn is None:
            return Verdict.ABSENT
        try:
            return self._binds.ask(lambda channel: self._bind(channel, dn, password))
        except DirectoryUnable:
            raise
        except DirectoryUnavailable as error:
            # It answered a search right before.
            raise DirectoryUnanswered(self._source.name, error.reason) from error

    def find(self, login: str) -> list[Entry]:
        """Search for the login, as it is, in what user names are made of."""
        from ldap_bridge.client import escape_filter_value, narrowed, read_selection

        terms = [f"({name}={escape_filter_value(login)})" for name in self._mapper.login_attributes]
        wanted = narrowed(self._mapper.people_selection, f"(|{''.join(terms)})")
        return self._searches.ask(lambda channel: read_selection(channel, wanted))

    def close(self) -> None:
        """Close the idle connections."""
        # Without anybody having logged in there are none, and nothing to import for them.
        for name in ("_binds", "_searches"):
            if name in self.__dict__:
                getattr(self, name).close()

    def _present_dn(self, link: Link) -> str | None:
        from ldap_bridge.client import present_dn

        people, stable_id = self._mapper.people_selection, self._mapper.stable_attribute
        return self._searches.ask(lambda channel: present_dn(channel, people, stable_id, link.stable))

    def _bind(self, channel: "Channel", dn: str, password: str) -> Verdict:
        try:
            result = channel.bind(dn, password, [PASSWORD_POLICY])
        except DirectorySilent as error:
            # To try again over another connection could count as two wrong passwords.
            raise DirectoryUnanswered(self._source.name, error.reason) from error
        try:
            verdict = verdict_of(result)
        except BerError as error:
            reason = f"the answer to a bind as {dn!r} is not readable: {error}"
            raise DirectoryGarbled(self._source.name, reason) from error
        if verdict is None:
            refused = channel.refused(f"a bind as {dn!r} is", result)
            raise refused if isinstance(refused, DirectoryBusy) else DirectoryUnable(self._source.name, refused.reason)
        return verdict

    @cached_property
    def _binds(self) -> "KeptChannels":
        return self._kept(self._directory.open)

    @cached_property
    def _searches(self) -> "KeptChannels":
        return self._kept(self._directory.connect)

    @cached_property
    def _directory(self) -> "LdapDirectory":
        # Not before somebody logs in, because ldap3 is slow to import; see ldap_bridge.directories.
        from ldap_bridge.client import LdapDirectory

        assert self._source.server is not None  # noqa: S101 (files have a prover of their own)
        # Somebody waits in front of a page: an answer that takes longer than a connection may is too late.
        server = self._source.server
        quick = [
            dataclasses.replace(each, timeout=each.connect_timeout, max_entries=_MOST_FOUND, others=())
            for each in server.all
        ]
        return LdapDirectory(self._source.name, dataclasses.replace(quick[0], others=tuple(quick[1:])))

    def _kept(self, opened: "Callable[[], Channel]") -> "KeptChannels":
        from ldap_bridge.client import KeptChannels

        assert self._source.server is not None  # noqa: S101 (see above)
        server, directory = self._source.server, self._directory
        return KeptChannels(
            opened,
            server.binds,
            server.bind_idle,
            fits=lambda channel: directory.prefers(channel.server),
            put_off=lambda channel: directory.put_off(channel.server),
            servers=len(server.all),
        )


def open_verifier(source: Source, store: Store) -> LdapBind:
    """Return the verifier of a source's people: by bind at its server, or by the hashes in its file."""
    if source.server is not None:
        return LdapBind(source, store, ServerProver(source), source.server.binds)
    from ldap_bridge.ldif_passwords import FileProver

    return LdapBind(source, store, FileProver(source), 1)
