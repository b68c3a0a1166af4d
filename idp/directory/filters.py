"""Conditions on derived attributes, `groups` of users and `members` of groups, answered through the memberships.

Each becomes a condition on the id, so that the store's own queries do the rest.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Final

from idp.directory.edges import MEMBER, PAGE, TYPE, Edges
from idp.directory.id_streams import MOST_HELD, Ids, People, known, union, without
from idp.directory.manager_filters import Leaf, by_reference
from idp.directory.slices import ID, MOST, Slice, SlicedFinder, first_of, sliced
from idp.errors import InvalidFilter, TooLarge
from idp.query import (
    EVERYTHING,
    And,
    Compare,
    Field,
    Filter,
    In,
    Not,
    Op,
    Or,
    Present,
    Query,
    ValuePath,
    matches,
)
from idp.store.contract import Page, Store
from idp.store.narrow import MOST_VALUES
from idp.store.pages import pages
from idp.store.places import BY_ID, order_of, start_of

_NAME: Final = Field(("displayName",), case_exact=False)
_LOGIN: Final = Field(("userName",), case_exact=False)
_NOTHING: Final = Or(())
_KINDS: Final = ("Group", "User")

# Turns a condition on one element of the derived list into one on the resource.
Answer = Callable[[Filter], Awaitable[Filter]]
# Turns such a condition into the ids of the resources that it holds for.
Stream = Callable[[Filter], Awaitable[Ids]]
# Returns the streams of a query that has so many conditions, of the ids above one.
Streams = Callable[[int, str | None], Stream]
# Turns a condition on one sub-attribute of an element into one on something stored.
Translate = Callable[[str, Leaf], Awaitable[Filter]]


class DerivedFilters:
    """Answers queries; a filter without derived attributes costs no read beside the query itself.

    Of lists longer than `most` a query takes several slices; of the ids that it cannot read in order it holds
    `most_held`.
    """

    def __init__(self, store: Store, edges: Edges, most: int = MOST, most_held: int = MOST_HELD) -> None:
        self._store = store
        self._edges = edges
        self._most = most
        self._most_held = most_held

    async def find_users(self, query: Query) -> Page:
        """Return the users that match, with conditions on `groups` and on a manager's name."""
        query = replace(query, filter=await by_reference(query.filter, self._people_named))
        group = await self._sole_group(query)
        if group is not None:
            return await self._members(group, query)

        def streams(conditions: int, above: str | None) -> Stream:
            return partial(self._people_in, People(self._edges, conditions, above, self._most_held))

        return await self._find("users", "groups", query, streams)

    async def find_groups(self, query: Query) -> Page:
        """Return the groups that match, with conditions on `members`."""

        def streams(_: int, above: str | None) -> Stream:
            return partial(self._groups_with, above)

        return await self._find("groups", "members", query, streams)

    async def _find(self, collection: str, head: str, query: Query, streams: Streams) -> Page:
        conditions, _ = await _conditions(query.filter, head)
        if not conditions:
            return await self._store.find(collection, query)

        async def compiled(part: Slice) -> Filter:
            async def answer(element: Filter) -> Filter:
                return In(ID, part.ids[element])

            return await _rewrite(query.filter, head, answer)

        above = first_of(query)
        stream = streams(len(conditions), above)
        sources = {element: await stream(element) for element in conditions}
        finder = SlicedFinder(self._store, collection, compiled, self._most)
        # The lists of all conditions are in the one query that a slice is found by.
        return await finder.find(query, sliced(sources, above, max(self._most // len(conditions), 1)))

    async def _sole_group(self, query: Query) -> str | None:
        """Return the group, where nothing but being in one is asked for and it has no groups inside."""
        conditions, rest = await _conditions(query.filter, "groups")
        element = next(iter(conditions), None)
        if len(conditions) != 1 or rest != EVERYTHING or order_of(query) != BY_ID:
            return None
        if not isinstance(element, Compare) or element.op is not Op.EQ or element.field.path == ("type",):
            return None
        named, _ = await self._groups_seen_as("direct", element)
        return next(iter(named)) if len(named) == 1 and await self._edges.groups_below(named) == named else None

    async def _members(self, group: str, query: Query) -> Page:
        """Return the page where all who are in the group match: as long as it is, no more than the page is read."""
        start = start_of(query)
        edges = await self._edges.page(group, start.id if start else None, query.limit, query.offset)
        records = await self._store.get_many("users", [edge["member"] for edge in edges]) if edges else {}
        return Page(list(records.values()), await self._edges.size(group) if query.total else None)

    async def _people_in(self, people: People, element: Filter) -> Ids:
        """Return the ids of the people for whom one of their groups satisfies the condition."""
        direct, tells_type = await self._groups_seen_as("direct", element)
        indirect = (await self._groups_seen_as("indirect", element))[0] if tells_type else direct
        either = await self._edges.groups_below(direct & indirect)
        streams = [await people.of(either | (direct - indirect))]
        for group in indirect - direct:
            everybody = await people.of(await self._edges.groups_below([group]))
            streams.append(without(everybody, await people.of([group])))
        return union(streams)

    async def _groups_seen_as(self, kind: str, element: Filter) -> tuple[set[str], bool]:
        """Return the groups that satisfy the condition for who is in them in this way, and whether that matters."""
        tells_type = False

        async def translate(name: str, leaf: Leaf) -> Filter:
            nonlocal tells_type
            match name:
                case "type":
                    tells_type = True
                    return EVERYTHING if matches(leaf, {"type": kind}) else _NOTHING
                case "display":
                    return replace(leaf, field=_NAME)
                case _:
                    return replace(leaf, field=ID)

        found = await self._ids("groups", await _translated(element, translate))
        return found, tells_type

    async def _groups_with(self, above: str | None, element: Filter) -> Ids:
        """Return the ids of the groups of which some member satisfies the condition."""

        async def translate(name: str, leaf: Leaf) -> Filter:
            match name:
                case "type":
                    return In(TYPE, tuple(kind for kind in _KINDS if matches(leaf, {"type": kind})))
                case "display":
                    return In(MEMBER, tuple(sorted(await self._named(leaf))))
                case _:
                    return replace(leaf, field=MEMBER)

        edges = self._edges.matching(await _translated(element, translate))
        return known({edge["group"] async for edge in edges}, above)

    async def _named(self, leaf: Leaf) -> set[str]:
        return await self._people_named(leaf) | await self._ids("groups", replace(leaf, field=_NAME))

    async def _people_named(self, leaf: Leaf) -> set[str]:
        by_login = And((Not(Present(_NAME)), replace(leaf, field=_LOGIN)))
        return await self._ids("users", Or((replace(leaf, field=_NAME), by_login)), MOST_VALUES)

    async def _ids(self, collection: str, filter: Filter, most: int | None = None) -> set[str]:
        """Return the ids of everything that matches. Raises TooLarge as soon as there are more than the `most`."""
        found: set[str] = set()
        async for records in pages(self._store, collection, filter, PAGE):
            found.update(record.id for record in records)
            if most is not None and len(found) > most:
                raise TooLarge("the number of people who are called so", most)
        return found


async def _conditions(filter: Filter, head: str) -> tuple[dict[Filter, None], Filter]:
    """Return the conditions on the attribute `head`, each once, and what is left of the filter where they hold."""
    found: dict[Filter, None] = {}

    async def collect(element: Filter) -> Filter:
        found[element] = None
        return EVERYTHING

    rest = await _rewrite(filter, head, collect)
    return found, rest


async def _rewrite(filter: Filter, head: str, answer: Answer) -> Filter:
    """Put an answer in the place of every condition on the attribute `head`."""
    match filter:
        case And(terms):
            return And(tuple([await _rewrite(term, head, answer) for term in terms]))
        case Or(terms):
            return _either([await _rewrite(term, head, answer) for term in terms])
        case Not(term):
            return Not(await _rewrite(term, head, answer))
        case ValuePath(field, inner) if field.path[0] == head:
            return await answer(inner)
        case Compare(field) | In(field) | Present(field) if field.path[0] == head:
            # A bare complex attribute compares by its `value`.
            name = field.path[1] if len(field.path) > 1 else "value"
            return await _quantified(replace(filter, field=Field((name,), case_exact=field.case_exact)), answer)
        case _:
            return filter


def _either(terms: Sequence[Filter]) -> Filter:
    """Return that one of the terms holds; of many lists of ids stores would look into each for every resource."""
    lists = [term.values for term in terms if isinstance(term, In) and term.field == ID]
    if len(lists) < 2:
        return Or(tuple(terms))
    joined = In(ID, tuple(sorted({str(value) for values in lists for value in values})))
    others = [term for term in terms if not (isinstance(term, In) and term.field == ID)]
    return Or((joined, *others)) if others else joined


async def _quantified(leaf: Leaf, answer: Answer) -> Filter:
    """Say of the list what the condition says of its elements: `ne` holds for all of them, the others for some."""
    match leaf:
        case Compare(field, op, None) if op in (Op.EQ, Op.NE):
            present = await answer(Present(field))
            return present if op is Op.NE else Not(present)
        case Compare(_, Op.NE, _):
            return Not(await answer(replace(leaf, op=Op.EQ)))
        case _:
            return await answer(leaf)


async def _translated(element: Filter, translate: Translate) -> Filter:
    """Return a condition on an element as one on what is stored in its place."""
    match element:
        case And(terms):
            return And(tuple([await _translated(term, translate) for term in terms]))
        case Or(terms):
            return Or(tuple([await _translated(term, translate) for term in terms]))
        case Not(term):
            return Not(await _translated(term, translate))
        case ValuePath():
            raise InvalidFilter("a value path cannot stand inside a value path")
        case Compare(_, Op.NE, value) if value is not None:
            return Not(await _translated(replace(element, op=Op.EQ), translate))
        case _:
            return await translate(element.field.path[0], element)
