"""Mutations: each makes one thing about a request odd, in its meaning or in its bytes."""

import json
from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from random import Random
from typing import Any, Final
from urllib.parse import quote

from tests.fuzz import calls, odd
from tests.fuzz.calls import Known
from tests.fuzz.request import Call, Wire

_PLAIN_SHARE: Final = 0.08
"""How many requests stay as they are, so that there is something to compare with and to change."""


def request(dice: Random, known: Known, token_for: Callable[[str], str]) -> Wire:
    """Return a mutated request."""
    call = calls.call(dice, known)
    token = token_for(call.path)
    if dice.random() < _PLAIN_SHARE:
        return call.wire(token)
    times = dice.choice((1, 1, 1, 2, 3))
    kinds = [dice.random() < 0.7 for _ in range(times)]
    for _ in range(sum(kinds)):
        dice.choice(MEANING)(dice, call, known)
    wire = call.wire(token)
    for _ in range(times - sum(kinds)):
        dice.choice(BYTES)(dice, wire)
    return wire


# --- the meaning ---


def _filter(dice: Random, call: Call, known: Known) -> None:
    if isinstance(call.body, dict) and call.path.endswith(".search"):
        call.body["filter"] = odd.filter_text(dice)
    else:
        call.query.append(("filter", odd.filter_text(dice)))


def _parameter(dice: Random, call: Call, known: Known) -> None:
    name = dice.choice(
        ("count", "startIndex", "sortBy", "sortOrder", "attributes", "excludedAttributes", "cursor", "x")
    )
    texts = {"count": odd.COUNTS, "startIndex": odd.COUNTS, "sortOrder": odd.ORDERS}.get(name, odd.PATHS)
    text = known.cursor if name == "cursor" and dice.random() < 0.5 else dice.choice(texts)
    call.query.append((name, odd.spoilt(dice, text) if name == "cursor" else text))


def _dry_run(dice: Random, call: Call, known: Known) -> None:
    call.query.append(
        (dice.choice(("dryRun", "DRYRUN", "dryrun")), dice.choice(("true", "True", "1", "", "false", "x")))
    )


def _patch_path(dice: Random, call: Call, known: Known) -> None:
    for operation in _objects(call.body):
        if "op" in operation:
            operation["path"] = dice.choice((*odd.PATHS, odd.spoilt(dice, str(operation.get("path", "emails[x]")))))
            if dice.random() < 0.5:
                operation["value"] = odd.value(dice)
            if dice.random() < 0.2:
                operation["op"] = dice.choice(("Add", "REMOVE", "move", "", None, 5, [], "replace\x00"))


def _value(dice: Random, call: Call, known: Known) -> None:
    def change(holder: Any, key: Any) -> None:
        holder[key] = odd.value(dice)

    _somewhere(dice, call, change)


def _spoilt_text(dice: Random, call: Call, known: Known) -> None:
    def change(holder: Any, key: Any) -> None:
        holder[key] = odd.spoilt(dice, str(holder[key]))

    _somewhere(dice, call, change)


def _nested(dice: Random, call: Call, known: Known) -> None:
    def change(holder: Any, key: Any) -> None:
        holder[key] = odd.nested(holder[key], dice.choice((1, 2, 12, 17, 60, 300)))

    _somewhere(dice, call, change)


def _many(dice: Random, call: Call, known: Known) -> None:
    def change(holder: Any, key: Any) -> None:
        holder[key] = [deepcopy(holder[key])] * dice.choice((2, 30, 300, 1_100))

    _somewhere(dice, call, change)


def _gone(dice: Random, call: Call, known: Known) -> None:
    _somewhere(dice, call, lambda holder, key: holder.pop(key))


def _added(dice: Random, call: Call, known: Known) -> None:
    for holder in dice.choices(list(_objects(call.body)), k=1) if isinstance(call.body, dict) else ():
        holder[dice.choice(odd.KEYS)] = odd.value(dice)


def _renamed(dice: Random, call: Call, known: Known) -> None:
    def change(holder: Any, key: Any) -> None:
        if isinstance(holder, dict):
            holder[dice.choice((key.upper(), f" {key}", f"{key}\x00", dice.choice(odd.KEYS)))] = holder.pop(key)

    _somewhere(dice, call, change)


def _other_body(dice: Random, call: Call, known: Known) -> None:
    call.body = dice.choice((calls.call(dice, known).body, odd.value(dice), [], {}, "x"))


def _other_method(dice: Random, call: Call, known: Known) -> None:
    call.method = dice.choice(odd.METHODS)


def _other_id(dice: Random, call: Call, known: Known) -> None:
    head, slash, _ = call.path.rpartition("/")
    call.path = f"{head}{slash}{dice.choice(odd.IDS)}"


def _header(dice: Random, call: Call, known: Known) -> None:
    name = dice.choice(tuple(odd.HEADERS))
    call.headers[name] = dice.choice(odd.HEADERS[name])


MEANING: Final[Sequence[Callable[[Random, Call, Known], None]]] = (
    *(_filter, _filter, _filter, _parameter, _parameter, _patch_path, _patch_path, _patch_path, _value, _value, _value),
    *(_spoilt_text, _nested, _many, _gone, _added, _added, _renamed, _other_body, _other_method, _other_id, _header),
    *(_header, _dry_run),
)


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Yield every holder in a JSON value with every key of it."""
    found = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in found:
        yield value, key
        yield from _places(inner)


def _somewhere(dice: Random, call: Call, change: Callable[[Any, Any], object]) -> None:
    places = list(_places(call.body))
    if places:
        change(*dice.choice(places))


def _objects(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for one in list(inner):
        yield from _objects(one)


# --- the bytes ---


def _body_byte(dice: Random, wire: Wire) -> None:
    if wire.body:
        at = dice.randrange(len(wire.body))
        put = dice.choice(
            (b"", b"\x00", b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xf8\x88", b'"', b"\\", b"{", b"]", b"\x1f")
        )
        wire.body = wire.body[:at] + put + wire.body[at + dice.randrange(2) :]


def _body_cut(dice: Random, wire: Wire) -> None:
    if wire.body:
        wire.body = wire.body[: dice.randrange(len(wire.body))]


def _key_twice(dice: Random, wire: Wire) -> None:
    places = [at for at in range(len(wire.body or b"")) if (wire.body or b"")[at : at + 2] in (b'{"', b', "'[:2])]
    if wire.body and places:
        at = dice.choice(places) + 1
        name = wire.body[at:].lstrip(b' "').partition(b'"')[0]
        again = dice.choice((b'"%b": 1, ', b'"%b" : null,', b'"%b"\t:\t{},')) % name
        wire.body = wire.body[:at] + again + wire.body[at:]


def _bottomless(dice: Random, wire: Wire) -> None:
    opening = dice.choice((b"[", b'{"a":', b'{"Operations":[', b'{"value":{"value":'))
    deep = opening * dice.choice((20, 900, 20_000, 60_000))
    wire.body = dice.choice((deep, (wire.body or b"{")[:-1] + b', "x": ' + deep))


def _body_other(dice: Random, wire: Wire) -> None:
    wire.body = dice.choice(_BODIES)


_BODIES: Final = (
    *(
        b"",
        b" ",
        b"null",
        b"{",
        b"[]",
        b'"x"',
        b"5",
        b"NaN",
        b"\xef\xbb\xbf{}",
        b"{}{}",
        b"\x00" * 100,
        b"x" * 1_200_000,
    ),
    '{"userName": "x"}'.encode("utf-16"),
    b'{"userName": "\\ud800"}',
    b"[" + b"1," * 300_000 + b"1]",
    b'{"a":1' + b',"a":1' * 30_000 + b"}",
    json.dumps({f"k{number}": number for number in range(20_000)}).encode(),
)


def _target(dice: Random, wire: Wire) -> None:
    target = wire.target
    put = dice.choice(
        (
            *(
                b"/",
                b"//",
                b"/../",
                b"/./",
                b"%2F",
                b"%00",
                b"%",
                b"%zz",
                b"%ff",
                b"%ed%a0%80",
                b";x=y",
                b"\xc3\xa9",
                b"\xff",
            ),
            *(
                b"?",
                b"?&&=&",
                b"?filter",
                b"?filter=%22%00",
                b"#x",
                b" ",
                b"\x00",
                b"a" * 17_000,
                b"?x=" + b"y" * 17_000,
            ),
            *(b"?filter=" + quote("(" * 4_000).encode(), b"\\", b"{id}", b"?a[]=1", b"?" + b"a=1&" * 3_000, b"+", b"~"),
        )
    )
    at = dice.randrange(len(target) + 1) if dice.random() < 0.5 else len(target)
    wire.target = target[:at] + put + target[at:]


def _target_other(dice: Random, wire: Wire) -> None:
    wire.target = dice.choice(
        (
            *(
                b"*",
                b"http://localhost" + wire.target,
                b"/scim/v2",
                b"/scim/v2/",
                b"/scim/v2//Users",
                b"/SCIM/V2/Users",
            ),
            *(b"/scim/v2/../v2/Users", b"/scim/v2/%55sers", b"/scim", b"/scim/", b"/scim/v1/Users", b"/scim/v2/Users/"),
            *(b"/scim/v2/v2/Users", b"/scim/v2/Users/%2e%2e/Groups", b"//scim/v2/Users", b"", b"scim/v2/Users"),
        )
    )


def _header_bytes(dice: Random, wire: Wire) -> None:
    name, _ = dice.choice(wire.headers)
    value = dice.choice(
        (b"", b"\xff\xfe", b"x" * 9_000, b"x" * 40_000, b"a\x00b", b"a\rb", b"\t", b"\x7f", b'"', b"," * 500)
    )
    wire.headers.append((dice.choice((name, b"X-Odd", b"x odd", b"", b"\xff")), value))


def _header_many(dice: Random, wire: Wire) -> None:
    wire.headers.extend((b"X-%d" % number, b"x") for number in range(dice.choice((50, 500))))


BYTES: Final[Sequence[Callable[[Random, Wire], None]]] = (
    *(
        _body_byte,
        _body_byte,
        _body_byte,
        _body_cut,
        _key_twice,
        _key_twice,
        _bottomless,
        _body_other,
        _target,
        _target,
    ),
    *(_target_other, _header_bytes, _header_many),
)
