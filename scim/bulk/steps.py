"""Carries out operations of one resource type: each by its service, in as few commits as their meaning allows."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from idp.access import Actor
from idp.directory import Document, Resource, UserCreate, Users, UserUpdate
from idp.errors import CallerError, RemoteError
from scim import patch
from scim.dialect import Dialect, Dialects
from scim.provider import Provider

# As many commits at once share a flush to the disk.
AT_ONCE: Final = 16


@dataclass(frozen=True, slots=True)
class Step:
    """An operation in which every reference is an id. A POST has an `id` only where one was made beforehand."""

    method: str
    id: str | None
    data: dict[str, Any]
    version: int | None = None


@dataclass(frozen=True, slots=True)
class Done:
    """What an operation came to; `version` is None where nothing is left."""

    id: str
    version: int | None = None


Outcome = Done | CallerError | RemoteError
Make = Callable[[Actor, Sequence[tuple[Document, str]]], Awaitable[Sequence[Resource]]]
"""Makes resources with the ids that are given, all or none."""


class Steps(Protocol):
    """How the operations of one resource type are carried out."""

    async def run(self, actor: Actor, steps: Sequence[Step], tolerated: int | None) -> list[Outcome]:
        """Carry out steps that are about different resources, all of them deletions or none.

        The outcomes are in the order of the steps, and end after as many errors as are tolerated.
        """
        ...

    async def together(self, actor: Actor, steps: Sequence[Step]) -> list[Outcome]:
        """Make resources that refer to each other, all or none."""
        ...


class SingleSteps:
    """One service call for each step, unless they are about resources that refer to each other."""

    def __init__(self, dialects: Dialects, provider: Provider) -> None:
        self._provider = provider
        self._dialects = dialects

    async def run(self, actor: Actor, steps: Sequence[Step], tolerated: int | None) -> list[Outcome]:
        """Carry the steps out: side by side, unless an error would keep the next one from being begun."""
        outcomes: list[Outcome] = []
        if tolerated is None:
            for start in range(0, len(steps), AT_ONCE):
                some = steps[start : start + AT_ONCE]
                outcomes += await asyncio.gather(*(self._outcome(actor, step) for step in some))
            return outcomes
        for step in steps:
            outcomes.append(await self._outcome(actor, step))
            tolerated -= not isinstance(outcomes[-1], Done)
            if tolerated <= 0:
                break
        return outcomes

    async def _outcome(self, actor: Actor, step: Step) -> Outcome:
        try:
            return await self._one(actor, step)
        except (CallerError, RemoteError) as error:
            return error

    async def _one(self, actor: Actor, step: Step) -> Done:
        provider, target, dialect = self._provider, step.id or "", self._dialects.of(actor)
        match step.method:
            case "POST":
                made = await provider.create(actor, dialect.document(step.data))
            case "PUT":
                made = await provider.replace(actor, target, dialect.document(step.data), step.version)
            case "PATCH":
                made = await provider.patch(actor, target, dialect.operations(step.data), step.version)
            case _:
                await provider.delete(actor, target, step.version)
                return Done(target)
        return _done(made)


class LinkedSteps(SingleSteps):
    """Resources that `make` makes in one commit: groups that are members of each other, and whatever was declared."""

    def __init__(self, dialects: Dialects, provider: Provider, make: Make) -> None:
        super().__init__(dialects, provider)
        self._make = make

    async def together(self, actor: Actor, steps: Sequence[Step]) -> list[Outcome]:
        """Make the resources in one commit."""
        dialect = self._dialects.of(actor)
        try:
            made = await self._make(actor, [(dialect.document(step.data), step.id or "") for step in steps])
        except CallerError as error:
            return [error for _ in steps]
        return [_done(one) for one in made]


class UserSteps(SingleSteps):
    """People, whose service writes hundreds in one commit."""

    def __init__(self, dialects: Dialects, provider: Provider, users: Users) -> None:
        super().__init__(dialects, provider)
        self._users = users

    async def run(self, actor: Actor, steps: Sequence[Step], tolerated: int | None) -> list[Outcome]:
        """Carry the steps out in few commits; deletions one by one."""
        dialect = self._dialects.of(actor)
        try:
            changes = [self._change(dialect, step) for step in steps if step.method != "DELETE"]
        except CallerError:
            # A document that the client's profile refuses, which each step alone finds out.
            changes = []
        if not changes:
            return await super().run(actor, steps, tolerated)
        found = await self._users.write_many(actor, changes, tolerated=tolerated)
        return [_outcome(one) for one in found]

    async def together(self, actor: Actor, steps: Sequence[Step]) -> list[Outcome]:
        """Make people who are each other's managers, in one commit."""
        dialect = self._dialects.of(actor)
        try:
            creates = [UserCreate(dialect.document(step.data), id=step.id) for step in steps]
            found = await self._users.write_many(actor, creates, together=True)
        except CallerError as error:
            return [error for _ in steps]
        return [_outcome(one) for one in found]

    def _change(self, dialect: Dialect, step: Step) -> UserCreate | UserUpdate:
        """Return the step as the service takes it; what is wrong with a PATCH comes out when it is tried."""
        if step.method == "POST":
            return UserCreate(dialect.document(step.data), id=step.id)
        if step.method == "PUT":
            return UserUpdate(step.id or "", lambda _: dialect.document(step.data), expected_version=step.version)
        return UserUpdate(
            step.id or "",
            lambda document: patch.apply(document, dialect.operations(step.data)),
            expected_version=step.version,
            shares=True,
        )


def _outcome(found: Resource | CallerError) -> Outcome:
    return found if isinstance(found, CallerError) else _done(found)


def _done(made: Resource) -> Done:
    return Done(made.id, made.version)
