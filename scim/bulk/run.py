"""Carries out a bulk request: in the order that references ask for, in few commits, each operation on its own terms."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

from idp.access import Actor
from idp.errors import CallerError, DeadlineExceeded, RemoteError
from scim.bulk.items import Item, Kind, Read, needs_of, read_items
from scim.bulk.order import Needs, ordered
from scim.bulk.references import named_in_path, resolved
from scim.bulk.steps import Done, Outcome, Step
from scim.errors import CircleRefused, NotMade
from scim.messages.bulk_request import BulkRequest

# Operations that may go into one commit: enough that its cost is shared, and a request's time is looked at in between.
AT_ONCE: Final = 100


class BulkRunner:
    """Runs requests; `kinds` are the resource types by lower-cased endpoint, `seconds` the time that one may take."""

    def __init__(
        self,
        kinds: Mapping[str, Kind],
        new_id: Callable[[], str],
        timer: Callable[[], float],
        seconds: float,
    ) -> None:
        self._kinds = kinds
        self._new_id = new_id
        self._timer = timer
        self._seconds = seconds

    async def run(self, actor: Actor, request: BulkRequest) -> tuple[list[Read], list[Outcome | None]]:
        """Return every operation as it was understood, and what came of it: None where it was not begun any more.

        A reference to whom an operation is about has become the id, or None where there was none to get.

        Raises RemoteError when the store fails before anything was done.
        """
        items = read_items(request.operations, self._kinds)
        job = _Job(actor, items, request.fail_on_errors)
        until = self._timer() + self._seconds
        needs = needs_of(items)
        for run, is_circle in _runs(items, needs):
            if job.is_over:
                break
            if self._timer() > until:
                job.give_up(DeadlineExceeded("the request as a whole"))
                break
            if is_circle:
                await job.together(run, self._new_id)
            else:
                await job.one_after_another(run)
        return [job.settled(item) for item in items], job.outcomes


class _Job:
    """One request on its way: the ids of what was made, and the errors that are still accepted."""

    def __init__(self, actor: Actor, items: Sequence[Read], tolerated: int | None) -> None:
        self._actor = actor
        self._items = items
        self._tolerated = tolerated
        self._ids: dict[str, str] = {}
        self.outcomes: list[Outcome | None] = [None] * len(items)

    @property
    def is_over(self) -> bool:
        """Whether there were as many errors as the client accepts."""
        return self._tolerated is not None and self._tolerated <= 0

    def settled(self, item: Read) -> Read:
        """Return the operation with the id of whom it was about, if that is known in the end."""
        name = named_in_path(item.id) if isinstance(item, Item) and item.id else None
        return replace(item, id=self._ids.get(name)) if isinstance(item, Item) and name else item

    def give_up(self, error: RemoteError) -> None:
        """Answer with the error for everything that was not begun."""
        self.outcomes = [error if outcome is None else outcome for outcome in self.outcomes]

    async def one_after_another(self, run: Sequence[int]) -> None:
        """Carry out operations that do not need each other."""
        ready: list[tuple[int, Step]] = []
        for place in run:
            step = self._step(place)
            if isinstance(step, Step):
                ready.append((place, step))
                continue
            await self._flush(ready)
            ready = []
            if self.is_over:
                return
            self._note(place, step)
        await self._flush(ready)

    async def together(self, run: Sequence[int], new_id: Callable[[], str]) -> None:
        """Make what refers to each other, with ids made beforehand: a reference that fails fails them all."""
        items = [self._items[place] for place in run]
        for item in items:
            if isinstance(item, Item):
                self._ids[item.operation.bulk_id or ""] = new_id()
        steps = [self._step(place) for place in run]
        ready = [step for step in steps if isinstance(step, Step)]
        kind = _kind(items[0])
        found: Sequence[Outcome]
        if kind is None or any(_kind(item) is not kind for item in items):
            found = [CircleRefused("resources of several types cannot refer to each other") for _ in items]
        elif len(ready) == len(steps):
            found = await self._tried(kind, ready, whole=True)
        else:
            found = [step if isinstance(step, CallerError) else NotMade("the other bulkIds") for step in steps]
        for item in items:
            if isinstance(item, Item):
                del self._ids[item.operation.bulk_id or ""]
        for place, outcome in zip(run, found, strict=True):
            self._note(place, outcome)

    def _step(self, place: int) -> Step | CallerError:
        item = self._items[place]
        if isinstance(item, CallerError):
            return item
        for name in sorted(item.references):
            if name not in self._ids:
                return NotMade(f"bulkId:{name[:100]}")
        is_new = item.operation.method == "POST"
        target = self._ids.get(item.operation.bulk_id or "") if is_new else resolved(item.id, self._ids)
        return Step(item.operation.method or "", target, resolved(item.data, self._ids), item.version)

    async def _flush(self, ready: Sequence[tuple[int, Step]]) -> None:
        if not ready or self.is_over:
            return
        kind = _kind(self._items[ready[0][0]])
        assert kind is not None  # noqa: S101 -- a step is made of an item
        found = await self._tried(kind, [step for _, step in ready])
        for (place, _), outcome in zip(ready, found, strict=False):
            self._note(place, outcome)

    async def _tried(self, kind: Kind, steps: Sequence[Step], *, whole: bool = False) -> Sequence[Outcome]:
        try:
            if whole:
                return await kind.steps.together(self._actor, steps)
            return await kind.steps.run(self._actor, steps, self._tolerated)
        except RemoteError as error:
            if not any(self.outcomes):
                raise
            # What was done is done: the client must learn of it, and repeat only the rest.
            return [error] * len(steps)

    def _note(self, place: int, outcome: Outcome) -> None:
        item = self._items[place]
        self.outcomes[place] = outcome
        if isinstance(outcome, Done):
            if isinstance(item, Item) and item.operation.method == "POST":
                self._ids[item.operation.bulk_id or ""] = outcome.id
        elif self._tolerated is not None:
            self._tolerated -= 1


def _kind(item: Read) -> Kind | None:
    return item.kind if isinstance(item, Item) else None


def _runs(items: Sequence[Read], needs: Needs) -> Iterator[tuple[Sequence[int], bool]]:
    """Yield the operations in their order, those together that may share a commit, and whether they need each other."""
    run: list[int] = []
    for unit in ordered(needs):
        is_circle = len(unit) > 1 or unit[0] in needs[unit[0]]
        if run and (is_circle or not _fits(items, needs, run, unit[0])):
            yield run, False
            run = []
        if is_circle:
            yield unit, True
        else:
            run.append(unit[0])
    if run:
        yield run, False


def _fits(items: Sequence[Read], needs: Needs, run: Sequence[int], place: int) -> bool:
    """Tell whether an operation may join the run: one of the same sort that waits for none of it."""
    first, item = items[run[0]], items[place]
    if isinstance(first, CallerError) or isinstance(item, CallerError) or len(run) >= AT_ONCE:
        return False
    deletes = first.operation.method == "DELETE"
    same_sort = first.kind is item.kind and deletes == (item.operation.method == "DELETE")
    return same_sort and not any(one in needs[place] for one in run)
