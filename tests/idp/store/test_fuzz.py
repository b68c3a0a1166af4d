"""Every backend agrees with `idp.query.matches` on documents and queries that nobody thought of."""

import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, Final

import pytest

from idp.query import (
    And,
    Compare,
    Field,
    Filter,
    In,
    Kind,
    Not,
    Op,
    Or,
    Place,
    Present,
    Query,
    Scalar,
    Sort,
    ValuePath,
    matches,
    sort_key,
)
from idp.store import Collection, Insert, Replace, Store
from idp.store.narrow import narrow
from tests.support.reference import answer
from tests.support.stores import Stores

ID: Final = Field(("id",))
NAME: Final = Field(("name",), case_exact=False)
CODE: Final = Field(("code",))
COUNT: Final = Field(("meta", "count"), Kind.NUMBER)
BORN: Final = Field(("meta", "born"), Kind.DATETIME)
ACTIVE: Final = Field(("active",), Kind.BOOLEAN)
MAILS: Final = Field(("mails",), Kind.COMPLEX, case_exact=False)
MAIL: Final = Field(("mails", "value"), case_exact=False)
MAIL_TYPE: Final = Field(("mails", "type"))
MIXED: Final = Field(("urn:x:2.0:User", "any"))
TITLE: Final = Field(("title",), case_exact=False)
NICKS: Final = Field(("nicks",))
PRIMARY: Final = Field(("mails", "primary"), Kind.BOOLEAN)

INDEXED: Final = (NAME, CODE, COUNT, BORN, ACTIVE, MAILS, MAIL, MAIL_TYPE, MIXED)
FIELDS: Final = (ID, *INDEXED, TITLE, NICKS, PRIMARY)
COLLECTION: Final = Collection("things", INDEXED, lists=(MAILS, MAIL, MAIL_TYPE, MIXED))

WORDS: Final = (
    *("", "a", "A", "b", "ab", "aB", "AB", "abc", "Abc", "z", "Z", "ß", "SS", "ss", "É", "é", "e\u0301", "E\u0301"),
    *(
        "İ",
        "\u0131",
        "I",
        "i",
        "ﬁ",
        "fi",
        "ÅÄÖ",
        "åäö",
        "日本",
        "\uff21b",
        "\U0001f600",
        "\U0010ffff",
        "\ud7ff",
        "\ue000",
    ),
    *("a\x00b", "\x00", "a.b", "a*", "^a", "$", "a\n", "\\", "%", "_", "a'b", '"', "1", "true", "null", "a b", " a"),
)
MOMENTS: Final = (
    *("2024-02-29T12:00:00Z", "2024-02-29T13:00:00+01:00", "2024-02-29T12:00:00.001Z", "1969-12-31T23:59:59Z"),
    *("2024-02-29T12:00:00.000001Z", "9999-12-31T23:59:59.999999Z", "0001-01-01T00:00:00Z", "2024-02-29T00:00:00"),
)
NUMBERS: Final = (0, 1, -1, 1.0, 1.5, -0.5, 2**53, 2**53 + 1, 2**62, -(2**62), 1e300, 0.1, 10, 9)


class Dice:
    """Seeded choices of documents and queries."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def one(self, values: Any) -> Any:
        return self._random.choice(values)

    def sometimes(self, chance: float) -> bool:
        return self._random.random() < chance

    def scalar(self) -> Scalar:
        if self.sometimes(0.2):
            return self.sometimes(0.5)
        return self.word() if self.sometimes(0.7) else self.number()

    def word(self) -> str:
        return self._random.choice(WORDS)

    def number(self) -> float:
        return self._random.choice(NUMBERS)

    def value_for(self, field: Field) -> Scalar:
        """A literal that mostly suits the field, and now and then is of another type."""
        if self.sometimes(0.1):
            return self.scalar()
        match field.kind:
            case Kind.NUMBER:
                return self.number()
            case Kind.BOOLEAN:
                return self.sometimes(0.5)
            case Kind.DATETIME:
                return self._random.choice(MOMENTS)
            case _:
                return self.scalar() if field == MIXED else self.word()

    def document(self, id: str) -> dict[str, Any]:
        parts: dict[str, Callable[[], Any]] = {
            "name": lambda: self.one(WORDS),
            "code": lambda: self.one(WORDS),
            "title": lambda: self.one((*WORDS, None)),
            "active": lambda: self.sometimes(0.5),
            "nicks": lambda: [self.scalar() for _ in range(self._random.randrange(4))],
            "meta": self._meta,
            "mails": lambda: [self._mail() for _ in range(self._random.randrange(4))],
            "urn:x:2.0:User": lambda: {"any": self.one((self.scalar(), [self.scalar(), self.scalar()], None, []))},
        }
        return {"id": id} | {name: make() for name, make in parts.items() if self.sometimes(0.75)}

    def _meta(self) -> dict[str, Any]:
        moment = self.one((*MOMENTS, None))
        return {"born": moment} | ({"count": self.one(NUMBERS)} if self.sometimes(0.8) else {})

    def _mail(self) -> dict[str, Any]:
        mail: dict[str, Any] = {"value": self.one(WORDS)} if self.sometimes(0.9) else {}
        if self.sometimes(0.7):
            mail["type"] = self.one(("work", "home", "", None))
        if self.sometimes(0.3):
            mail["primary"] = self.sometimes(0.7)
        return mail

    def leaf(self, fields: tuple[Field, ...]) -> Filter:
        field = self.one(fields)
        kind = self._random.randrange(10)
        if kind == 0:
            return Present(field)
        if kind == 1:
            return In(field, tuple(self.value_for(field) for _ in range(self._random.randrange(5))))
        return Compare(field, self.one(tuple(Op)), None if self.sometimes(0.05) else self.value_for(field))

    def filter(self, depth: int, fields: tuple[Field, ...] = FIELDS) -> Filter:
        if depth == 0 or self.sometimes(0.3):
            return self.leaf(fields)
        match self._random.randrange(6):
            case 0 | 1:
                return And(tuple(self.filter(depth - 1, fields) for _ in range(self._random.randrange(4))))
            case 2 | 3:
                return Or(tuple(self.filter(depth - 1, fields) for _ in range(self._random.randrange(4))))
            case 4:
                return Not(self.filter(depth - 1, fields))
            case _ if fields is FIELDS and self.sometimes(0.3):
                return ValuePath(NICKS, self.filter(depth - 1, (Field(("value",)),)))
            case _ if fields is FIELDS:
                inner = tuple(replace(field, path=field.path[1:]) for field in (MAIL, MAIL_TYPE, PRIMARY))
                return ValuePath(Field(("mails",), Kind.COMPLEX, case_exact=False), self.filter(depth - 1, inner))
            case _:
                return self.leaf(fields)

    def id(self) -> str:
        return f"{self._random.randrange(2000):04}"

    def place(self, sort: Sort | None) -> Place:
        """A place in the order, mostly one that some record has."""
        if sort is None or sort.field == ID:
            at = self.id()
            return Place(at, at)
        return Place(sort_key(sort.field, self.document(self.id())), self.id())

    def query(self) -> Query:
        sort = Sort(self.one(FIELDS), self.sometimes(0.5)) if self.sometimes(0.5) else None
        limit = self.one((0, 1, 5, 100, 5000))
        after: str | Place | None = None
        if self.sometimes(0.4):
            after = self.place(sort) if self.sometimes(0.7) else None if sort else self.id()
        return Query(self.filter(3), sort, self.one((0, 0, 1, 50)), limit, after, not self.sometimes(0.3))


async def fill(store: Store, documents: list[dict[str, Any]], dice: Dice) -> None:
    """Insert the documents, some of them in place of others, so that stale keys would show."""
    for start in range(0, len(documents), 250):
        batch = documents[start : start + 250]
        before = {document["id"]: dice.document(document["id"]) for document in batch if dice.sometimes(0.4)}
        await store.commit([Insert("things", before.get(document["id"], document)) for document in batch])
        await store.commit([Replace("things", document, 1) for document in batch if document["id"] in before])


def documents(dice: Dice, count: int) -> list[dict[str, Any]]:
    """Documents in an order that is not that of their ids."""
    numbers = random.Random(count).sample(range(10 * count), count)
    return [dice.document(f"{number:04}") for number in numbers]


async def differences(store: Store, queries: Iterator[Query], kept: list[dict[str, Any]]) -> list[str]:
    """Tell where the store and the specification part."""
    found = []
    for query in queries:
        ids, total = answer(query, kept)
        page = await store.find("things", query)
        got = [record.id for record in page.records]
        if got != ids or page.total not in (total, None) or (page.total is None) is query.total:
            found.append(f"{query}: {got[:9]} of {page.total}, not {ids[:9]} of {total}")
    return found


@pytest.mark.parametrize(("store_url", "seed"), [("sqlite", 1), ("sqlite", 2), ("pymongo", 3)], indirect=["store_url"])
async def test_a_store_answers_as_the_specification_does(stores: Stores, seed: int) -> None:
    dice = Dice(seed)
    kept = documents(dice, 400)
    store = await stores.open({"things": COLLECTION})
    await fill(store, kept, dice)
    assert await differences(store, (dice.query() for _ in range(300)), kept) == []


@pytest.mark.parametrize("store_url", ["sqlite", "pymongo"], indirect=True)
async def test_every_operator_on_every_field_with_every_word(stores: Stores) -> None:
    dice = Dice(3)
    kept = [dice.document(f"{n:04}") for n in range(20)]
    kept += [
        {"id": f"w{n}", "name": word, "code": word, "mails": [{"value": word}], "urn:x:2.0:User": {"any": word}}
        for n, word in enumerate(WORDS)
    ]
    store = await stores.open({"things": COLLECTION})
    await fill(store, kept, dice)
    queries = (
        Query(Compare(field, op, word), limit=500) for field in (NAME, CODE, MIXED) for op in Op for word in WORDS
    )
    assert await differences(store, queries, kept) == []


def test_what_narrowing_claims_is_true() -> None:
    dice = Dice(4)
    kept = documents(dice, 40)
    exact_ones = 0
    for _ in range(3000):
        wanted = dice.filter(4)
        narrowed, exact = narrow(wanted, COLLECTION.indexed)
        exact_ones += exact
        for document in kept:
            if matches(wanted, document):
                assert matches(narrowed, document), f"{wanted} became {narrowed}"
            elif exact:
                assert not matches(narrowed, document), f"{wanted} became {narrowed}"
    assert 500 < exact_ones < 2500
