"""Odd values, filters, paths, headers and addresses: what a hostile or broken client might send."""

from collections.abc import Callable, Sequence
from random import Random
from typing import Any, Final

from idp.schema.urns import ENTERPRISE_USER, GATEHOUSE_USER, GROUP, USER

FILTERS: Final = (
    'userName eq "ada"',
    'userName sw "a" and active eq true',
    'emails[type eq "work" and value co "@example"]',
    'emails[type eq "work"].value ew ".org"',
    'not (title pr) or name.familyName gt "m"',
    'meta.lastModified ge "2026-01-01T00:00:00Z"',
    f'{ENTERPRISE_USER}:manager.value eq "x"',
    f"{ENTERPRISE_USER} pr",
    'groups.display co "o"',
    'groups[value eq "x" or type eq "direct"]',
    'members.value eq "x"',
    'members[type eq "Group" and not (display sw "z")]',
    'displayName ne "x" and (externalId pr or id eq "x")',
    'schemas eq "urn:x"',
    'schemas[value sw "urn" and not (value ew "x")]',
    'x509Certificates.value eq "AAAA"',
)
PATHS: Final = (
    *("title", "active", "displayName", "userName", "name.givenName", "name", "emails", "emails.value", "members"),
    *('emails[type eq "work"].value', 'emails[type eq "work"]', 'members[value eq "x"]', 'members[display co "a"]'),
    *('members[$ref ew "x"]', 'schemas[value co "a"]', "name[givenName pr].familyName"),
    *(f"{ENTERPRISE_USER}:manager[$ref pr]", f'{ENTERPRISE_USER}:manager[value eq "x"].value', "groups[$ref pr]"),
    *("members.value", "groups", "id", "schemas", "meta", "meta.created", "password", "externalId", "roles", ""),
    *("addresses", 'addresses[type eq "home"].locality', "x509Certificates", "phoneNumbers[primary eq true]"),
    *(ENTERPRISE_USER, f"{ENTERPRISE_USER}:manager", f"{ENTERPRISE_USER}:manager.value", f"{ENTERPRISE_USER}.manager"),
    *(f"{GATEHOUSE_USER}:role", f"{GATEHOUSE_USER}:source", f"{USER}:title", f"{GROUP}:displayName", USER),
    *("emails[", "emails[]", "emails]", "emails[type]", 'emails[type eq "x"', 'emails[type eq "]"]', "emails[not]"),
    *(".", "..", "a.b.c.d.e", "name.givenName.x", "/emails/0", "$.emails", "emails[0]", "emails.", ".emails", " ", "*"),
    *("[" * 4_000, "a" * 3_000, "a." * 1_000, "emails[" + "(" * 900 + "type pr" + ")" * 900 + "]", "\u2028", "\x00"),
    *(
        "title\x00",
        "tit\u0131e",
        "TITLE",
        "\uff54\uff49\uff54\uff4c\uff45",
        "\u017fchemas",
        "constructor",
        "__proto__",
        "$set",
        "$where",
        "urn:",
        ":",
    ),
)
WORDS: Final = (
    *("", " ", "\x00", "a\x00b", "\ud800", "\udfff", "\u2028", "\ufeff", "\U0001f98a", "é" * 500, "x" * 70_000, "\t\n"),
    *(
        "$where",
        "$ne",
        "$set",
        "{$gt: ''}",
        "'; drop table users; --",
        ".*(a+)+$",
        "(?i)",
        "%_",
        "*",
        "../../etc/passwd",
    ),
    *("a.b.c", "null", "true", "False", "1", "-1", "1e999", "NaN", "bulkId:", "bulkId:nope", "bulkId:a", 'W/"1"'),
    *("2026-02-30T00:00:00Z", "9999-12-31T23:59:59.999999-23:59", "0001-01-01T00:00:00+23:59", "urn:x", USER, "AAAA"),
    *("İ", "ß", "ﬁ", "\u202eabc", "a" * 1_100, "<script>", "\\u0000", "%00", "%s%n", "{0.__class__}", "${jndi:x}"),
)
SCALARS: Final = (None, True, False, 0, -1, 1, 2**31, 2**53 + 1, 2**63, 2**64, 10**40, -(10**40), 0.1, 1e308, -0.0)
KEYS: Final = (
    *("userName", "USERNAME", "members", "groups", "meta", "id", "schemas", "password", "active", "emails", "value"),
    *("$ref", "$set", "$where", "a.b", "", ".", "\x00", "\ud800", "name.givenName", "emails.value", "roles", "primary"),
    *(
        ENTERPRISE_USER,
        f"{ENTERPRISE_USER}:manager",
        GATEHOUSE_USER,
        f"{GATEHOUSE_USER}:role",
        "__proto__",
        "x" * 9_000,
    ),
)
IDS: Final = (
    *("nobody", "%00", "%FF", "%2e%2e%2f", ".", "..", "...", "~", "$where", "'", '"', "a" * 3_000, "a" * 14_000, "é"),
    *(
        "\U0001f98a",
        ".search",
        "Me",
        "{id}",
        "[]",
        "a/b",
        "a;b",
        "a?b",
        "a#b",
        "null",
        "0",
        "-1",
        "\x00",
        "\ud800",
        " ",
    ),
)
COUNTS: Final = (
    "x",
    "",
    "-1",
    "0",
    "1.5",
    "1e3",
    "99999999999999999999",
    "2147483648",
    "-9223372036854775809",
    "٣",
    "+5",
)
ORDERS: Final = ("ascending", "descending", "DESCENDING", "up", "", "\x00", "1")
METHODS: Final = (
    *("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "PROPFIND", "SEARCH", "get", "FOO", "M-X"),
    *("QUERY", "LINK", "PURGE"),
)
TAGS: Final = (
    *('W/"1"', '"1"', "*", 'W/"999999999999999999"', 'W/"99999999999999999999999"', 'W/"-1"', "1", "", ",", '"', "W/"),
    *('W/"1", W/"2", W/"3"', '"x"' * 2_000, 'w/"1"', "*, *", 'W/"1"é', 'W/"\uff10"', 'W/"+1"', '"a", *'),
)
HEADERS: Final[dict[str, Sequence[str]]] = {
    "If-Match": TAGS,
    "If-None-Match": TAGS,
    "Accept": (
        "text/html",
        "*/*",
        "",
        "application/json",
        "application/xml;q=0",
        ";;;",
        "application/json;" * 500,
        "é",
    ),
    "Content-Type": (
        *("text/plain", "application/json; charset=utf-16", "application/json; charset=nope", "application/json;", "x"),
        *("application/scim+json; charset=latin-1", "multipart/form-data; boundary=x", "", "/", "a/b" * 3_000, "é/é"),
        *('application/scim+json; charset="', "application/x-www-form-urlencoded", "application/json;;;=", "*/*"),
    ),
    "Content-Encoding": ("gzip", "deflate", "identity", "br", "gzip, gzip", "x", "", "zstd"),
    "Authorization": (
        "",
        "Bearer",
        "Bearer x",
        "Bearer ghs_" + "A" * 43,
        "Basic YTpi",
        "Bearer \xff",
        "bearer\t",
        "x" * 9_000,
    ),
    "Accept-Encoding": ("gzip", "x", "gzip;q=x", ""),
    "Expect": ("100-continue", "x", ""),
    "Range": ("bytes=0-1", "bytes=x", "bytes=-1"),
    "Host": ("", "é", "x:y", "a" * 5_000, "localhost:99999", "[::1", "a b"),
    "X-Forwarded-For": ("x", "1.2.3.4", "é", "," * 1_000),
    "X-Request-Id": ("é", "x" * 500, ""),
    "X-HTTP-Method-Override": ("DELETE", "x"),
    "Cookie": ("idp_session=x", "=;=", "é" * 100, 'a="'),
    "Origin": ("null", "https://evil.example", "é"),
    "Connection": ("close", "keep-alive", "upgrade", "x"),
    "Upgrade": ("websocket", "h2c"),
    "If-Modified-Since": ("x", "Thu, 01 Jan 1970 00:00:00 GMT"),
    "Prefer": ("return=minimal", "x"),
}


def filter_text(dice: Random) -> str:
    """Return a filter: one that is fine, one that was, or one that never could be."""
    return dice.choice(_FILTER_MAKERS)(dice)


def word(dice: Random) -> str:
    """Return an odd text."""
    return dice.choice(WORDS)


def value(dice: Random, depth: int = 3) -> Any:
    """Return an odd JSON value."""
    kind = dice.randrange(8 if depth else 5)
    if kind < 3:
        return word(dice)
    if kind < 5:
        return dice.choice(SCALARS)
    if kind < 6:
        return [value(dice, depth - 1) for _ in range(dice.choice((0, 1, 2, 3, 40)))]
    if kind < 7:
        return {dice.choice(KEYS): value(dice, depth - 1) for _ in range(dice.randrange(4))}
    return dice.choice(({"$ne": None}, {"$gt": ""}, {"value": {"value": "x"}}, [[[[]]]], [{}], {"": {"": {}}}, [None]))


def nested(inner: Any, levels: int) -> Any:
    """Return a value inside of so many others."""
    for level in range(levels):
        inner = [inner] if level % 2 else {"value": inner}
    return inner


def spoilt(dice: Random, text: str) -> str:
    """Return a text with something taken out, put in or exchanged."""
    at, to = sorted(dice.choices(range(len(text) + 1), k=2))
    put = dice.choice(
        ("", " ", '"', "(", ")", "[", "]", ".", ":", "\\", "\x00", "é", " eq ", " not ", "$", text[at:to])
    )
    return text[:at] + put + text[dice.choice((at, to)) :]


def _compared(dice: Random) -> str:
    path = dice.choice([path for path in PATHS if len(path) < 100])
    op = dice.choice(("eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le", "EQ", "xx", "=", "regex", "like", "in", ""))
    literal = dice.choice(
        ('"x"', "5", "true", "null", "1e400", '"\\u0000"', '"\\ud83d"', "'x'", "x", "[]", "{}", '"', "")
    )
    return f"{path} {op} {literal}"


_FILTER_MAKERS: Final[Sequence[Callable[[Random], str]]] = (
    lambda dice: dice.choice(FILTERS),
    lambda dice: spoilt(dice, dice.choice(FILTERS)),
    lambda dice: spoilt(dice, spoilt(dice, dice.choice(FILTERS))),
    lambda dice: f"{dice.choice(FILTERS)} {dice.choice(('and', 'or', 'xor', 'AND', ''))} {dice.choice(FILTERS)}",
    lambda dice: f"not ({dice.choice(FILTERS)})",
    _compared,
    lambda dice: f'userName {dice.choice(("eq", "co", "sw", "ew", "lt"))} "{word(dice)}"',
    lambda dice: f"emails[{_compared(dice)}].{dice.choice(('value', 'type', '', 'x', 'primary'))} pr",
    word,
    lambda dice: "(" * 4_000 + "title pr" + ")" * dice.choice((4_000, 3_999, 0)),
    lambda dice: "not (" * 1_500 + "title pr" + ")" * 1_500,
    lambda dice: dice.choice((" or ", " and ")).join(["title pr"] * dice.choice((199, 200, 201, 800, 3_000))),
    lambda dice: "(" * 19 + " or ".join(['userName eq "x"'] * 150) + ")" * 19,
    lambda dice: "emails[" * dice.choice((2, 20, 1_000)) + "type pr" + "]" * dice.choice((0, 2, 20, 1_000)),
    lambda dice: 'userName eq "' + "\\" * dice.choice((1, 2, 1_001, 4_000)) + '"',
    lambda dice: f'id eq "{"x" * 7_000}"',
    lambda dice: "a" * 8_100 + " pr",
    lambda dice: f"userName eq {'9' * dice.choice((1, 18, 19, 400))}",
)
