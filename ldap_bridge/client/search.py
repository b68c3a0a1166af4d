"""A paged search read to its end (RFC 2696), with everything that can cut it short told apart from the end."""

from collections.abc import Generator, Iterator, Sequence
from typing import Final
from uuid import UUID

from ldap3.utils.conv import escape_filter_chars

from ldap_bridge.ber import BerError, EntryMessage, Message, ReferenceMessage, ResultMessage, paged_cookie
from ldap_bridge.client.channel import CANNOT_NOW, INVALID_DN, NO_SUCH_OBJECT, SUBTREE_SCOPE, SUCCESS, Channel
from ldap_bridge.client.ranges import complete_ranges, is_ranged
from ldap_bridge.client.requests import filter_octets, paged
from ldap_bridge.entries import Entry, Outcome, Selection
from ldap_bridge.errors import DirectoryBusy, DirectoryError, DirectoryRefused

BATCH: Final = 500
# Octets of a batch, beyond which it is handed on with fewer entries: photos and large groups.
_HEAVY: Final = 4 * 1024 * 1024
# Servers that hide entries by access rules may send empty pages; one that sends only these would keep us for ever.
MAX_EMPTY_PAGES: Final = 100
# Entries of attribute ranges wait until their page is through; no server sends more in one.
_MOST_RANGED: Final = 10_000
# Addresses of other servers that are kept to be shown.
_NAMED: Final = 5
# Codes after which what came is right, but not all (RFC 4511 appendix A).
_LIMITS: Final = {3: "time limit", 4: "size limit", 11: "administrative limit"}


class PagedSearch:
    """A Reading of a selection, base by base, over one channel, which must not be used for anything else meanwhile."""

    def __init__(self, channel: Channel, selection: Selection, controls: Sequence[bytes] = ()) -> None:
        """Read over a channel; `controls` go with every page."""
        self._controls = controls
        self._channel = channel
        self._selection = selection
        self._filter = filter_for(selection)
        self._base = ""
        self._batch: list[Entry] = []
        self._ranged: list[Entry] = []
        self._entries = 0
        self._references = 0
        self._elsewhere: list[str] = []
        self._taken_at = 0
        self._result: ResultMessage | None = None
        self._outcome = Outcome(complete=False, reason="the read has not ended")

    @property
    def outcome(self) -> Outcome:
        """How the read ended; incomplete until it has."""
        return self._outcome

    @property
    def busy(self) -> DirectoryBusy | None:
        """The error of a server that did not do it at present, once the read has ended; None where that is not so."""
        if self._result is None or self._result.code not in CANNOT_NOW:
            return None
        error = self._channel.refused(f"searching {self._base!r}", self._result)
        return error if isinstance(error, DirectoryBusy) else None

    def interrupt(self) -> None:
        """Make a blocked `batches` end soon; from another thread."""
        self._channel.interrupt()

    def batches(self) -> Generator[list[Entry], None, None]:
        """Yield the entries; raises DirectoryError when not even one could be read."""
        try:
            yield from self._pages()
        except DirectoryError as error:
            if self._entries == 0:
                raise
            self._end(error.reason)
        except BerError as error:
            self._end(f"a page control is not readable: {error}")
        # What came before the line broke is good; a group whose ranges are not complete is not.
        if self._batch:
            yield self._take()

    def _pages(self) -> Iterator[list[Entry]]:
        for base in self._selection.bases:
            self._base = base
            self._end("the read has not ended")
            yield from self._pages_below()
            if not self._outcome.complete:
                return

    def _pages_below(self) -> Iterator[list[Entry]]:
        cookie, empty, first = b"", 0, ""
        while True:
            before, earlier = self._entries, first
            first = yield from self._page(cookie)
            if self._is_too_much:
                return self._end(f"more than max_entries = {self._channel.server.max_entries} entries")
            result = self._result
            if result is None or result.code != SUCCESS:
                return self._end(self._why(result))
            cookie = paged_cookie(result.controls) or b""
            if not cookie:
                return self._end(None)
            if first and first == earlier:
                return self._end(f"the server sends the page that begins with {first!r} again")
            empty = empty + 1 if self._entries == before else 0
            if empty > MAX_EMPTY_PAGES:
                return self._end(f"the server promises more after {empty} empty pages")

    def _page(self, cookie: bytes) -> Generator[list[Entry], None, str]:
        """Yield one page, entries of attribute ranges last: those take further questions when the page is through.

        Returns the name of its first entry.
        """
        channel, decoder, first = self._channel, self._channel.decoder, ""
        for message in self._messages(cookie):
            if type(message) is EntryMessage:
                entry = message.entry
                first = first or entry.dn
                (self._ranged if decoder.has_ranges and is_ranged(entry) else self._batch).append(entry)
                self._entries += 1
                if len(self._batch) >= BATCH or channel.received - self._taken_at > _HEAVY:
                    yield self._take()
            elif isinstance(message, ReferenceMessage):
                self._refer(message)
            elif isinstance(message, ResultMessage):
                self._result = message
            if self._is_too_much:
                return first
        while self._ranged:
            complete_ranges(channel, self._ranged[-1])
            self._batch.append(self._ranged.pop())
        return first

    @property
    def _is_too_much(self) -> bool:
        most = self._channel.server.max_entries
        return self._entries + self._references > most or len(self._ranged) > _MOST_RANGED

    def _refer(self, message: ReferenceMessage) -> None:
        """Note that a part of the tree is on another server; whoever went there would take the password along."""
        self._references += 1
        if len(self._elsewhere) < _NAMED:
            self._elsewhere += message.uris[:1]

    def _take(self) -> list[Entry]:
        batch, self._batch = self._batch, []
        self._taken_at = self._channel.received
        return batch

    def _messages(self, cookie: bytes) -> Iterator[Message]:
        controls = [paged(self._channel.server.page_size, cookie), *self._controls]
        return self._channel.search(self._base, SUBTREE_SCOPE, self._filter, self._selection.attributes, controls)

    def _why(self, result: ResultMessage | None) -> str:
        """Say why the search is not complete; raises DirectoryRefused when it was refused outright."""
        if result is None:
            return "the server sent no result"
        text = f", {result.text}" if result.text else ""
        after = f"after {self._entries} entries (code {result.code}{text})"
        if result.code in _LIMITS:
            return f"{_LIMITS[result.code]} reached {after}"
        if result.code in CANNOT_NOW:
            return f"{CANNOT_NOW[result.code]} {after}"
        if result.code in (NO_SUCH_OBJECT, INVALID_DN):
            reason = f"the base {self._base!r} does not exist"
            raise DirectoryRefused(self._channel.source, reason, result.code)
        raise self._channel.refused(f"searching {self._base!r} for {self._filter}", result)

    def _end(self, reason: str | None) -> None:
        delivered = self._entries - len(self._ranged)
        self._outcome = Outcome(reason is None, delivered, reason or "", self._references, tuple(self._elsewhere))


def read_selection(channel: Channel, selection: Selection, controls: Sequence[bytes] = ()) -> list[Entry]:
    """Return all entries of a selection that has few. Raises DirectoryError also when the read is not complete."""
    return [*each_entry(channel, selection, controls)]


def each_entry(channel: Channel, selection: Selection, controls: Sequence[bytes] = ()) -> Iterator[Entry]:
    """Yield the entries of a selection, which may have many. Raises DirectoryError as `read_selection` does."""
    search = PagedSearch(channel, selection, controls)
    for batch in search.batches():
        yield from batch
    if not search.outcome.complete:
        raise search.busy or DirectoryError(channel.source, search.outcome.reason)


def check_filter(key: str, text: str) -> None:
    """Refuse a filter that no server would understand. Raises ConfigError under the key given."""
    filter_octets(key, any_filter([text]))


def filter_for(selection: Selection) -> str:
    """Return the LDAP filter (RFC 4515) of a selection."""
    terms = [_any_of(selection.classes)]
    terms += [f"(!(objectClass={escape_filter_value(name)}))" for name in selection.not_classes]
    if selection.filters:
        terms.append(any_filter(selection.filters))
    return terms[0] if len(terms) == 1 else f"(&{''.join(terms)})"


def any_filter(filters: Sequence[str]) -> str:
    """Return one filter that matches what any of these does."""
    terms = [text if text.startswith("(") else f"({text})" for text in filters]
    return terms[0] if len(terms) == 1 else f"(|{''.join(terms)})"


def _any_of(classes: Sequence[str]) -> str:
    terms = [f"(objectClass={escape_filter_value(name)})" for name in classes]
    return terms[0] if len(terms) == 1 else f"(|{''.join(terms)})"


def id_octets(attribute: str, stable: str) -> bytes:
    """Return a stable id as the directory has it."""
    return UUID(stable).bytes_le if attribute.lower() == "objectguid" else stable.encode()


def id_filter(attribute: str, stables: Sequence[str]) -> str:
    """Return the filter that finds entries by their stable ids, as these are kept."""
    if attribute.lower() == "objectguid":
        values = ["".join(f"\\{octet:02x}" for octet in id_octets(attribute, stable)) for stable in stables]
    else:
        values = [escape_filter_value(stable) for stable in stables]
    terms = [f"({attribute}={value})" for value in values]
    return terms[0] if len(terms) == 1 else f"(|{''.join(terms)})"


def escape_filter_value(value: str) -> str:
    """Escape a value for a filter (RFC 4515 section 3)."""
    return str(escape_filter_chars(value))
