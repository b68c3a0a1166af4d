"""Whatever a server does to a paged search, it ends, and only a whole read is called complete."""

from collections.abc import Iterable
from itertools import count

import pytest

from ldap_bridge.ber import MAX_MESSAGE
from ldap_bridge.client import LdapDirectory
from ldap_bridge.client.directory import LdapReading
from ldap_bridge.client.search import filter_for
from ldap_bridge.entries import Entry, Outcome, Selection
from ldap_bridge.errors import DirectoryError, DirectoryGarbled, DirectoryRefused, DirectoryUnavailable
from ldap_bridge.settings import parse
from tests.support.ldap_wire import (
    Answer,
    Request,
    encode_done,
    encode_entry,
    encode_notice,
    encode_reference,
    responder,
)
from tests.support.ports import HOST

BASE = "dc=example,dc=org"


def reader(port: int, **settings: object) -> LdapReading:
    """Begin a read of everything from a server at a port."""
    source = parse("corp", {"url": f"ldap://{HOST}:{port}", "base": BASE, "timeout": 5, **settings})
    assert source.server is not None
    return LdapDirectory("corp", source.server).read(Selection([BASE], ["person"], attributes=["cn", "member"]))


def read(answer: Answer, *, bind_code: int = 0, **settings: object) -> tuple[list[Entry], Outcome]:
    """Read everything from a server that answers as told."""
    with responder(answer, bind_code) as port:
        reading = reader(port, **settings)
        entries = [entry for batch in reading.batches() for entry in batch]
    return entries, reading.outcome


def person(number: int, request: Request) -> bytes:
    """One numbered person."""
    return encode_entry(f"cn={number},{BASE}", {"cn": [b"%d" % number]}, request.message_id)


def done(request: Request, code: int = 0, text: str = "", cookie: bytes | None = None) -> bytes:
    """The end of the answer."""
    return encode_done(code, text, cookie, request.message_id)


def test_pages_follow_the_cookie_to_its_end() -> None:
    pages = {b"": (1, b"a"), b"a": (2, b"b"), b"b": (3, b"")}

    def answer(request: Request) -> Iterable[bytes]:
        number, cookie = pages[request.cookie]
        return [person(number, request), done(request, cookie=cookie)]

    entries, outcome = read(answer)
    assert [entry.attributes["cn"] for entry in entries] == [[b"1"], [b"2"], [b"3"]]
    assert outcome == Outcome(complete=True, entries=3)


def test_a_server_that_knows_no_pages_is_read_in_one() -> None:
    entries, outcome = read(lambda request: [person(1, request), person(2, request), done(request)])
    assert (len(entries), outcome.complete) == (2, True)


def test_a_cookie_for_ever_with_nothing_behind_it_is_given_up() -> None:
    entries, outcome = read(lambda request: [done(request, cookie=b"again")])
    assert entries == []
    assert not outcome.complete
    assert "empty pages" in outcome.reason


def test_the_same_page_again_is_given_up() -> None:
    entries, outcome = read(lambda request: [person(1, request), done(request, cookie=b"again")])
    assert len(entries) == 2
    assert not outcome.complete
    assert f"begins with 'cn=1,{BASE}' again" in outcome.reason


def test_new_pages_for_ever_end_at_the_limit_of_entries() -> None:
    numbers = count()

    def answer(request: Request) -> Iterable[bytes]:
        return [person(next(numbers), request), done(request, cookie=b"again")]

    entries, outcome = read(answer, max_entries=50)
    assert len(entries) == 51
    assert "max_entries" in outcome.reason


@pytest.mark.parametrize("entries", [0, 1])
@pytest.mark.parametrize(
    ("code", "word"),
    [
        (3, "time limit"),
        (4, "size limit"),
        (11, "administrative limit"),
        (51, "server busy"),
        (52, "unavailable"),
    ],
)
def test_what_a_server_cannot_do_to_its_end_makes_the_read_incomplete(code: int, word: str, entries: int) -> None:
    found, outcome = read(lambda request: [person(1, request)] * entries + [done(request, code, "ask later")])
    assert len(found) == entries
    assert not outcome.complete
    assert f"{word} " in outcome.reason
    assert f"after {entries} entries (code {code}, ask later)" in outcome.reason


def test_a_refusal_of_a_later_page_keeps_what_came_and_is_incomplete() -> None:
    def answer(request: Request) -> Iterable[bytes]:
        if request.cookie:
            return [done(request, 12, "cookie is stale")]
        return [person(1, request), done(request, cookie=b"a")]

    entries, outcome = read(answer)
    assert len(entries) == 1
    assert not outcome.complete
    assert "cookie is stale" in outcome.reason


def test_an_end_without_a_done_is_no_end() -> None:
    def answer(request: Request) -> Iterable[bytes] | None:
        return None if request.cookie else [person(1, request), done(request, cookie=b"a")]

    entries, outcome = read(answer)
    assert len(entries) == 1
    assert not outcome.complete


def test_silence_after_the_entries_is_no_end() -> None:
    entries, outcome = read(lambda request: [person(1, request)], timeout=2)
    assert len(entries) == 1
    assert "no answer" in outcome.reason


def test_octets_that_are_no_ldap_end_the_read() -> None:
    entries, outcome = read(lambda request: [person(1, request), b"HTTP/1.1 400 Bad Request\r\n"])
    assert len(entries) == 1
    assert "is not LDAP" in outcome.reason
    with pytest.raises(DirectoryGarbled, match="'corp'"):
        read(lambda _: [b"HTTP/1.1 400 Bad Request\r\n"])


def test_an_answer_to_something_never_asked_ends_the_read() -> None:
    with pytest.raises(DirectoryGarbled, match="message 77"):
        read(lambda _: [encode_done(message_id=77)])


def test_a_notice_of_disconnection_is_told() -> None:
    entries, outcome = read(lambda request: [person(1, request), encode_notice("shutting down")])
    assert len(entries) == 1
    assert "shutting down" in outcome.reason


def test_references_are_counted_and_not_followed() -> None:
    _, outcome = read(
        lambda request: [
            encode_reference("ldap://evil.example/", request.message_id),
            person(1, request),
            done(request),
        ]
    )
    assert outcome == Outcome(complete=True, entries=1, references=1, elsewhere=("ldap://evil.example/",))


def test_references_for_ever_end_at_the_limit_of_entries() -> None:
    def answer(request: Request) -> Iterable[bytes]:
        return (encode_reference(f"ldap://evil.example/{number}", request.message_id) for number in range(60))

    _, outcome = read(lambda request: [person(1, request), *answer(request)], max_entries=50)
    assert "max_entries" in outcome.reason
    assert (outcome.references, len(outcome.elsewhere)) == (50, 5)


@pytest.mark.parametrize(("code", "error"), [(1, DirectoryRefused), (10, DirectoryRefused), (50, DirectoryRefused)])
def test_a_refusal_before_any_entry_is_an_error_with_its_code(code: int, error: type[DirectoryError]) -> None:
    with pytest.raises(error, match=f"code {code}.*go away"):
        read(lambda request: [done(request, code, "go away")])


def test_a_bind_that_is_refused_is_told_with_its_code() -> None:
    with pytest.raises(DirectoryRefused, match=r"bind as anonymous: code 48.*without bind_dn"):
        read(lambda request: [done(request)], bind_code=48)


# --- ranges of Active Directory ---


def ranged(size: int, step: int) -> Answer:
    """A group of `size` members that are handed out `step` at a time."""

    def answer(request: Request) -> Iterable[bytes]:
        start = 0
        if request.base != BASE:
            start = int(request.attributes[0].split("=")[1].split("-")[0])
        last = min(start + step, size)
        stop = "*" if last == size else str(last - 1)
        members = [b"cn=%d" % number for number in range(start, last)]
        attributes = {"cn": [b"big"], f"member;range={start}-{stop}": members, "member": []}
        return [encode_entry(f"cn=big,{BASE}", attributes, request.message_id), done(request)]

    return answer


@pytest.mark.parametrize("size", [3, 10, 11, 47])
def test_members_in_ranges_are_fetched_to_the_last(size: int) -> None:
    entries, outcome = read(ranged(size, 10))
    (entry,) = entries
    assert outcome.complete
    assert entry.attributes == {"cn": [b"big"], "member": [b"cn=%d" % number for number in range(size)]}


def test_a_range_that_does_not_go_on_makes_the_read_incomplete_and_leaves_the_group_out() -> None:
    def answer(request: Request) -> Iterable[bytes]:
        group = encode_entry(f"cn=big,{BASE}", {"member;range=0-9": [b"x"]}, request.message_id)
        return [person(1, request), group, done(request)] if request.base == BASE else [group, done(request)]

    entries, outcome = read(answer)
    assert [entry.dn for entry in entries] == [f"cn=1,{BASE}"]
    assert outcome.entries == 1
    assert "does not continue 'member' at value 10" in outcome.reason


def test_a_line_lost_between_ranges_leaves_the_group_out() -> None:
    def answer(request: Request) -> Iterable[bytes] | None:
        if request.base != BASE:
            return None
        group = encode_entry(f"cn=big,{BASE}", {"member;range=0-9": [b"x"]}, request.message_id)
        return [person(1, request), group, done(request)]

    entries, outcome = read(answer)
    assert len(entries) == 1
    assert not outcome.complete


def test_ranges_for_ever_are_given_up() -> None:
    def answer(request: Request) -> Iterable[bytes]:
        start = 0 if request.base == BASE else int(request.attributes[0].split("=")[1].split("-")[0])
        values = {f"member;range={start}-{start + 3}": [b"x" * (1 << 20)] * 4}
        group = encode_entry(f"cn=big,{BASE}", values, request.message_id)
        return [*([person(1, request)] if request.base == BASE else []), group, done(request)]

    entries, outcome = read(answer)
    assert [entry.dn for entry in entries] == [f"cn=1,{BASE}"]
    assert f"{MAX_MESSAGE} octets of 'member'" in outcome.reason


def test_large_values_are_handed_on_before_a_batch_is_full() -> None:
    photo = {"photo": [b"x" * (1 << 20)]}
    with responder(
        lambda request: [encode_entry(f"cn={n},{BASE}", photo, request.message_id) for n in range(20)] + [done(request)]
    ) as port:
        sizes = [len(batch) for batch in reader(port).batches()]
    assert sum(sizes) == 20
    assert max(sizes) <= 6


# --- filters ---


@pytest.mark.parametrize(
    ("selection", "text"),
    [
        (Selection([BASE], ["a"]), "(objectClass=a)"),
        (Selection([BASE], ["a", "b"]), "(|(objectClass=a)(objectClass=b))"),
        (Selection([BASE], ["a"], ["c"]), "(&(objectClass=a)(!(objectClass=c)))"),
        (Selection([BASE], ["a"], filters=["uid=x*"]), "(&(objectClass=a)(uid=x*))"),
        (Selection([BASE], ["a)(uid=*"]), "(objectClass=a\\29\\28uid=\\2a)"),
    ],
)
def test_a_selection_becomes_a_filter(selection: Selection, text: str) -> None:
    assert filter_for(selection) == text


def test_no_connection_is_left_open_when_the_reader_stops_early() -> None:
    def answer(request: Request) -> Iterable[bytes]:
        return [person(number, request) for number in range(1200)]

    with responder(answer) as port:
        reading = reader(port)
        batches = reading.batches()
        assert len(next(batches)) == 500
        batches.close()
    assert not reading.outcome.complete


def test_an_interrupted_read_ends_at_once() -> None:
    with responder(lambda request: [person(number, request) for number in range(600)]) as port:
        reading = reader(port, timeout=60)
        batches = reading.batches()
        assert len(next(batches)) == 500
        reading.interrupt()
        assert len(list(batches)) <= 1
    assert "the connection" in reading.outcome.reason or "closed" in reading.outcome.reason


def test_a_server_that_hangs_up_at_once_is_unavailable() -> None:
    with pytest.raises(DirectoryUnavailable):
        read(lambda _: None)
