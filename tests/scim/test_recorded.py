"""Whole conversations of the clients in the manual, request by request, each under the profile it is to have.

The shapes in `recorded` are written after what the makers of these clients document; the people in them are ours. An
exchange says what is sent, the status, and what must be in the answer or `then` in a resource; `keep` names values that
later ones use.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from idp.access import SYSTEM_ACTOR
from idp.auth import ClientSettings
from scim.profiles import PROFILES
from tests.support.scim import Api

RECORDED = {path.stem: json.loads(path.read_text()) for path in Path(__file__).parent.glob("recorded/*.json")}
SYSTEM = SYSTEM_ACTOR("test")
Kept = dict[str, str]


def filled(value: Any, kept: Kept) -> Any:
    """Put what was kept in its place."""
    if isinstance(value, str):
        for name, text in kept.items():
            value = value.replace(f"{{{name}}}", text)
        return value
    if isinstance(value, list):
        return [filled(one, kept) for one in value]
    return {key: filled(one, kept) for key, one in value.items()} if isinstance(value, dict) else value


def missing(expected: Any, found: Any, path: str = "") -> Iterator[str]:
    """Yield what is expected and not found: objects may have more than that, lists may not."""
    if isinstance(expected, dict) and isinstance(found, dict):
        for key, value in expected.items():
            yield from missing(value, found.get(key), f"{path}/{key}")
    elif isinstance(expected, list) and isinstance(found, list) and len(expected) == len(found):
        for number, (one, other) in enumerate(zip(expected, found, strict=True)):
            yield from missing(one, other, f"{path}/{number}")
    elif expected != found:
        yield f"{path}: {expected!r} is expected, not {found!r}"


def has(body: Any, name: str) -> bool:
    """Tell whether a name, or the part of an extension behind its URN, is in the answer."""
    urn, _, part = name.rpartition(".") if name.startswith("urn:") and not name.endswith(":User") else ("", "", name)
    return part in (body.get(urn, {}) if urn else body)


def complaints(exchange: Mapping[str, Any], body: Any, kept: Kept) -> list[str]:
    found = list(missing(filled(exchange.get("expect", {}), kept), body or {}))
    return found + [f"{name} is there" for name in exchange.get("absent", ()) if has(body, name)]


@pytest.fixture
async def client(api: Api, request: pytest.FixtureRequest) -> Api:
    """SCIM as a client of that profile is answered."""
    settings = ClientSettings(RECORDED[request.param]["profile"])
    _, api.token = await api.behind.clients.create(SYSTEM, request.param, settings=settings)
    return api


@pytest.mark.parametrize(("client", "name"), [(name, name) for name in RECORDED], indirect=["client"], ids=RECORDED)
async def test_every_request_of_the_conversation_is_answered_as_the_client_needs(client: Api, name: str) -> None:
    kept: Kept = {}
    for exchange in RECORDED[name]["exchanges"]:
        sent = filled({key: exchange.get(key) for key in ("path", "body")}, kept)
        query = "" if exchange.get("query") is None else f"?{filled(exchange['query'], kept)}"
        answer = await client.ask(
            exchange["method"], sent["path"] + query, sent["body"], headers=exchange.get("headers")
        )
        told = f"{exchange['title']}: {answer.body}"
        assert answer.status == exchange["status"], told
        kept |= {name: answer.body[key] for name, key in exchange.get("keep", {}).items()}
        assert complaints(exchange, answer.body, kept) == [], told
        if (then := exchange.get("then")) is not None:
            shown = await client.ask("GET", filled(then["path"], kept))
            assert shown.status == then.get("status", 200), told
            assert complaints(then, shown.body, kept) == [], told


@pytest.mark.parametrize("name", sorted(RECORDED.keys() - {"strict"}))
async def test_the_standard_profile_understands_every_client(api: Api, name: str) -> None:
    kept: Kept = {}
    for exchange in RECORDED[name]["exchanges"]:
        query = "" if exchange.get("query") is None else f"?{filled(exchange['query'], kept)}"
        path, body = filled(exchange["path"], kept), filled(exchange.get("body"), kept)
        answer = await api.ask(exchange["method"], path + query, body)
        assert answer.status == exchange["status"], f"{exchange['title']}: {answer.body}"
        kept |= {name: answer.body[key] for name, key in exchange.get("keep", {}).items()}


def test_every_profile_but_the_standard_one_has_its_conversation() -> None:
    assert {conversation["profile"] for conversation in RECORDED.values()} == PROFILES.keys() - {"standard"}
