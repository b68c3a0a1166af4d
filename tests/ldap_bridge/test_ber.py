"""The BER reader agrees with an independent encoder and answers anything else with its own error only."""

import random
from collections.abc import Iterable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ldap_bridge.ber import (
    SEARCH_DONE,
    BerError,
    Control,
    Decoder,
    EntryMessage,
    Message,
    ReferenceMessage,
    ResultMessage,
    paged_cookie,
)
from ldap_bridge.entries import Entry
from tests.fuzz.ldap import fuzz, read, stream
from tests.support.ldap_wire import encode_done, encode_entry, encode_reference

Attributes = dict[str, list[bytes]]

names = st.from_regex(r"[a-zA-Z][a-zA-Z0-9-]{0,20}(;[a-z0-9-]{1,8})?", fullmatch=True)
values = st.lists(st.binary(max_size=300), max_size=4)
attribute_maps = st.dictionaries(names.map(str.lower), values, max_size=20)


def decode(*chunks: bytes, max_message: int = 1 << 24) -> list[Message]:
    """Feed chunks to a fresh decoder and return every message."""
    decoder = Decoder(max_message)
    return [message for chunk in chunks for message in decoder.feed(chunk)]


def in_pieces(data: bytes, cuts: Iterable[int]) -> list[bytes]:
    """Cut data at the given places."""
    points = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    return [data[start:stop] for start, stop in pairwise(points)]


def long_form(data: bytes) -> bytes:
    """Re-encode every length in the four-octet form Active Directory uses."""
    out, position = b"", 0
    while position < len(data):
        tag, length, start = data[position], data[position + 1], position + 2
        if length >= 0x80:
            start += length & 0x7F
            length = int.from_bytes(data[position + 2 : start], "big")
        content = data[start : start + length]
        if tag & 0x20:
            content = long_form(content)
        out += bytes([tag, 0x84]) + len(content).to_bytes(4, "big") + content
        position = start + length
    return out


@given(st.text(max_size=60), attribute_maps, st.integers(0, 2**31 - 1))
def test_an_entry_comes_out_as_it_was_encoded(dn: str, attributes: Attributes, message_id: int) -> None:
    assert decode(encode_entry(dn, attributes, message_id)) == [EntryMessage(message_id, Entry(dn, attributes), ())]


@given(attribute_maps)
def test_lengths_in_the_form_of_active_directory_read_the_same(attributes: Attributes) -> None:
    encoded = encode_entry("cn=a", attributes)
    assert decode(long_form(encoded)) == decode(encoded)


@given(st.lists(attribute_maps, min_size=1, max_size=4), st.lists(st.integers(min_value=0), max_size=12))
def test_it_does_not_matter_how_the_stream_is_cut(maps: list[Attributes], cuts: list[int]) -> None:
    stream = b"".join(encode_entry(f"cn={index}", attributes) for index, attributes in enumerate(maps))
    assert decode(*in_pieces(stream, cuts)) == decode(stream)


def test_attribute_names_are_lower_cased_and_values_of_a_repeated_name_joined() -> None:
    encoded = encode_entry("cn=a", {"givenName": [b"Ada"], "GIVENNAME": [b"Augusta"]})
    assert decode(encoded) == [EntryMessage(7, Entry("cn=a", {"givenname": [b"Ada", b"Augusta"]}), ())]


def test_a_done_carries_code_text_and_the_page_cookie() -> None:
    (done,) = decode(encode_done(4, "size limit exceeded", cookie=b"\x00next"))
    assert isinstance(done, ResultMessage)
    assert (done.operation, done.code, done.text) == (SEARCH_DONE, 4, "size limit exceeded")
    assert paged_cookie(done.controls) == b"\x00next"


def test_without_the_control_there_is_no_cookie() -> None:
    (done,) = decode(encode_done())
    assert isinstance(done, ResultMessage)
    assert paged_cookie(done.controls) is None


def test_a_broken_page_control_is_refused() -> None:
    with pytest.raises(BerError):
        paged_cookie((Control("1.2.840.113556.1.4.319", b"\x30\x05\x02\x01"),))


def test_a_reference_lists_its_uris() -> None:
    assert decode(encode_reference("ldap://elsewhere/dc=example", 9)) == [
        ReferenceMessage(9, ("ldap://elsewhere/dc=example",))
    ]


def test_elements_the_protocol_may_add_later_are_skipped() -> None:
    result = b"\x0a\x01\x00\x04\x00\x04\x00" + b"\x89\x03new"
    body = b"\x02\x01\x07" + b"\x65" + bytes([len(result)]) + result
    (done,) = decode(b"\x30" + bytes([len(body)]) + body)
    assert isinstance(done, ResultMessage)
    assert done.code == 0


def test_a_dn_that_is_not_utf8_stays_visible_and_stops_nothing() -> None:
    encoded = encode_entry("cn=abc", {"cn": [b"x"]}).replace(b"cn=abc", b"cn=a\xffc")
    (message,) = decode(encoded)
    assert isinstance(message, EntryMessage)
    assert message.entry.dn == "cn=a\\xffc"


@pytest.mark.parametrize(
    ("octets", "why"),
    [
        (b"\x04\x02ab", "not with a sequence"),
        (b"\x30\x80\x00\x00", "indefinite"),
        (b"\x30\x85\x01\x01\x01\x01\x01", "oversized"),
        (b"\x30\x84\x7f\xff\xff\xff", "exceeds the limit"),
        (b"\x30\x03\x02\x01\x07", "cut short"),
        (b"\x30\x05\x02\x01\x07\x64\x09", "reaches beyond"),
        (b"\x30\x05\x02\x01\x07\x1f\x00", "several octets"),
        (b"\x30\x05\x02\x01\x07\x42\x00", "unexpected operation"),
        (b"\x30\x04\x02\x00\x64\x00", "empty or too long"),
        (b"\x30\x05\x02\x01\xff\x64\x00", "out of range"),
        (b"\x30\x0b\x02\x01\x07\x64\x06\x04\x00\x30\x02\x30\x05", "beyond|cut short"),
        (b"\x30\x0f\x02\x01\x07\x64\x0a\x04\x00\x30\x06\x30\x04\x04\x00\x31\x00", "no name"),
        (b"\x30\x10\x02\x01\x07\x64\x0b\x04\x00\x30\x07\x30\x05\x04\x01\xff\x31\x00", "not ASCII"),
    ],
)
def test_each_fault_is_refused_with_its_reason(octets: bytes, why: str) -> None:
    with pytest.raises(BerError, match=why):
        decode(octets)


def test_an_announced_length_costs_no_memory_before_it_arrives() -> None:
    decoder = Decoder()
    assert list(decoder.feed(b"\x30\x84\x07\xff\xff\xff" + b"x" * 100)) == []
    assert decoder.pending == 106


def test_names_a_server_invents_do_not_pile_up() -> None:
    decoder = Decoder()
    for index in range(6000):
        (message,) = decoder.feed(encode_plain(f"x{index}"))
        assert isinstance(message, EntryMessage)
        assert list(message.entry.attributes) == [f"x{index}"]
    assert len(decoder._names) <= 4096  # noqa: SLF001 (the bound itself is what this test is about)


def encode_plain(name: str) -> bytes:
    """Encode an entry of one attribute without values, quickly."""
    inner = bytes([4, len(name)]) + name.encode() + b"\x31\x00"
    attributes = bytes([0x30, len(inner)]) + inner
    entry = b"\x04\x00" + bytes([0x30, len(attributes)]) + attributes
    body = b"\x02\x01\x07" + bytes([0x64, len(entry)]) + entry
    return bytes([0x30, len(body)]) + body


@given(st.binary(max_size=400))
def test_noise_gives_messages_or_the_readers_own_error(noise: bytes) -> None:
    survive(noise)


@given(attribute_maps, st.data())
def test_a_mutated_message_gives_messages_or_the_readers_own_error(attributes: Attributes, data: st.DataObject) -> None:
    octets = bytearray(encode_entry("uid=ada,dc=example", attributes) + encode_done(cookie=b"c"))
    for _ in range(data.draw(st.integers(1, 6))):
        octets[data.draw(st.integers(0, len(octets) - 1))] = data.draw(st.integers(0, 255))
    survive(bytes(octets))


def test_of_many_mutated_messages_none_brings_anything_but_messages_or_its_own_error() -> None:
    report = fuzz(7643, range(5_000))
    assert (report.sent, report.findings) == (5_000, [])
    # That many get past the first octets is what makes it worth while.
    assert report.messages > 1_500
    assert report.refused > 1_500


def test_the_fuzz_sends_again_what_it_sent_and_notices_what_is_wrong() -> None:
    assert [stream(1, each) for each in range(50)] == [stream(1, each) for each in range(50)]
    assert stream(1, 0) != stream(2, 0)
    with pytest.raises(BerError):
        read(b"\x31\x00", random.Random(1))


def survive(octets: bytes) -> None:
    """Decode; every value that comes out must be part of what went in, and only BerError may come instead."""
    decoder = Decoder(1 << 16)
    try:
        for message in decoder.feed(octets):
            if isinstance(message, EntryMessage):
                assert all(value in octets for vals in message.entry.attributes.values() for value in vals)
            elif isinstance(message, ResultMessage):
                paged_cookie(message.controls)
    except BerError:
        return
    assert decoder.pending <= len(octets)
