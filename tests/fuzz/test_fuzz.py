"""The fuzz itself: it sends again what it sent, and notices what it looks for."""

from random import Random

import msgspec
import pytest

from tests.fuzz.calls import Known
from tests.fuzz.exchange import Answer
from tests.fuzz.mutate import request
from tests.fuzz.request import Call, Wire
from tests.fuzz.verdict import ERROR, complaints, must_change_nothing

KNOWN = Known(["u1", "u2"], ["g1"], "1a.b")
ASKED = Call("POST", "/Users", body={}).wire("x")


def error(status: int, detail: str = "no") -> bytes:
    return msgspec.json.encode({"schemas": [ERROR], "status": str(status), "detail": detail})


def test_a_seed_and_a_number_make_the_same_request_again() -> None:
    def made(seed: int) -> list[bytes]:
        return [request(Random(f"{seed}:{number}"), KNOWN, str).encode() for number in range(300)]

    assert made(1) == made(1)
    assert made(1) != made(2)


def test_most_requests_are_for_scim() -> None:
    sent = [request(Random(number), KNOWN, str) for number in range(500)]
    assert sum(wire.is_ours for wire in sent) > 400
    assert len({wire.method for wire in sent if wire.is_ours}) > 7


@pytest.mark.parametrize(
    ("answer", "complaint"),
    [
        (Answer(200, body=b"{}"), []),
        (Answer(204), []),
        (Answer(400, body=error(400)), []),
        (Answer(503, body=error(503, "the server is busy")), []),
        (Answer(503, body=error(503, "store: not reachable")), ["fault of ours"]),
        (Answer(500, body=error(500)), ["fault of ours"]),
        (Answer(0), ["no answer"]),
        (Answer(200, body=b"{}", seconds=4), ["slow"]),
        (Answer(200, body=b"<html>"), ["not JSON"]),
        (Answer(400, body=error(404)), ["not an error of SCIM"]),
        (Answer(400, body=b"Bad Request"), ["not an error of SCIM"]),
        (Answer(404), ["not an error of SCIM"]),
    ],
)
def test_an_answer_that_should_not_be_is_noticed(answer: Answer, complaint: list[str]) -> None:
    assert list(complaints(ASKED, answer)) == complaint


@pytest.mark.parametrize("target", [b"/elsewhere", b"*", b"/scimitar", b"/scim/v21"])
def test_what_is_not_for_scim_may_be_refused_in_any_form(target: bytes) -> None:
    plain = Answer(400, body=b"Bad Request")
    assert list(complaints(Wire(b"GET", target, []), plain)) == []
    assert list(complaints(Wire(b"FOO", b"/scim/v2?x", [(b"a b", b"\x00")]), plain)) == ["not an error of SCIM"]


def test_errors_dry_runs_and_bulks_of_errors_must_change_nothing() -> None:
    bulk = b'{"schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkResponse"], "Operations": [%b]}'
    tried = Call("POST", "/Users", [("DryRun", "True")], body={}).wire("x")
    assert must_change_nothing(ASKED, Answer(400, body=error(400)))
    assert must_change_nothing(tried, Answer(200, body=b"{}"))
    assert must_change_nothing(ASKED, Answer(200, body=bulk % b'{"status": "400"}'))
    assert not must_change_nothing(ASKED, Answer(200, body=bulk % b'{"status": "400"}, {"status": "201"}'))
    assert not must_change_nothing(ASKED, Answer(201, body=b"{}"))
