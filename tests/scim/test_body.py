"""A body is one JSON object, and nothing that two readers would read differently."""

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.errors import InvalidSyntax
from scim.body import MAX_DEPTH, read_object


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "not JSON: it is empty"),
        (b" ", "not JSON: it is empty"),
        (b"{", "not JSON"),
        (b'{"a": 1,}', "not JSON"),
        (b'{"a": 1} x', "not JSON"),
        (b"{'a': 1}", "not JSON"),
        (b'{"a": NaN}', "not JSON"),
        (b'{"a": 1e999}', "not JSON"),
        (b'{"a": "\xff"}', "byte 7 of it is not UTF-8"),
        (b'{"a": "\\ud800"}', "lone surrogate"),
        (b'{"a": "\\uD800\\ud800\\udc00"}', "lone surrogate"),
        (b'{"a": "\\\\\\uDFFF"}', "lone surrogate"),
        (b'{"a": "\\\\ud800', "truncated"),
        (b'{"a": "\\ud83d\\ude00', "truncated"),
        (b'{"a": "x\x00y"}', "not JSON"),
        (b'{"a": "x\ny"}', "not JSON"),
        (b"[]", "must be a JSON object"),
        (b'"x"', "must be a JSON object"),
        (b"null", "must be a JSON object"),
        (b'{"a": 1, "a": 2}', "'a' appears twice"),
        (b'{"a": 1, "\\u0061": 2}', "'a' appears twice"),
        (b'{"b": [{"a" : 1, "a"\n: 1}]}', "'a' appears twice"),
        (b'{"a": {"b": {"c": 1, "d": "\\":", "c": "\\":"}}}', "'c' appears twice"),
        (b'{"a":' + b"[" * 100_000, "nested too deeply"),
        (b'{"a":' + b"[" * MAX_DEPTH + b"]" * MAX_DEPTH + b"}", "nested too deeply"),
        (b'{"a":' * MAX_DEPTH + b"{}" + b"}" * MAX_DEPTH, "nested too deeply"),
    ],
)
def test_what_is_not_one_plain_object_is_refused_with_the_reason(body: bytes, reason: str) -> None:
    with pytest.raises(InvalidSyntax, match=reason):
        read_object(body)


def test_a_name_given_twice_among_very_many_is_found_in_one_pass() -> None:
    names = [f"k{number}" for number in range(60_000)]
    body = "{" + ",".join(f'"{name}":1' for name in [*names, names[-1]]) + "}"
    before = time.process_time()
    with pytest.raises(InvalidSyntax, match="'k59999' appears twice"):
        read_object(body.encode())
    # Counting each name among all of them takes more than half a minute.
    assert time.process_time() - before < 5


def test_nesting_up_to_the_limit_is_read() -> None:
    body = b'{"a":' + b"[" * (MAX_DEPTH - 1) + b"]" * (MAX_DEPTH - 1) + b"}"
    assert read_object(body) == json.loads(body)


def test_text_that_looks_like_a_key_is_none() -> None:
    document = {"a": '":', "b": ['"x": 1', "\\"], 'c"': {"a": '"a":'}}
    assert read_object(json.dumps(document).encode()) == document


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.text(max_size=5)
    | st.sampled_from(['":', '"a":', "\\"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=10,
)


@given(st.dictionaries(st.text(max_size=3), values, max_size=4), st.booleans(), st.sampled_from([None, 1]))
def test_every_object_is_read_as_it_was_written(document: dict[str, Any], ascii_only: bool, indent: int | None) -> None:
    body = json.dumps(document, ensure_ascii=ascii_only, indent=indent).encode("utf-8", "surrogatepass")
    assert read_object(body) == document


@given(st.dictionaries(st.text(max_size=3), values, min_size=1, max_size=4), values)
def test_an_object_with_a_key_given_twice_is_never_read(document: dict[str, Any], again: Any) -> None:
    key = json.dumps(next(iter(document)))
    body = f"{json.dumps(document)[:-1]}, {key} : {json.dumps(again)}}}"
    with pytest.raises(InvalidSyntax, match="appears twice"):
        read_object(body.encode())
