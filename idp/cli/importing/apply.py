"""Carrying an import out: users in large commits, then groups with their members."""

from collections.abc import Sequence
from dataclasses import replace

from idp.access import Actor
from idp.cli.importing.plan import Change, Plan
from idp.cli.importing.rows import GROUPS, USERS, Wrong
from idp.directory import (
    GroupChange,
    GroupCreate,
    Groups,
    GroupUpdate,
    Member,
    MemberChange,
    Outcome,
    UserChange,
    UserCreate,
    Users,
    UserUpdate,
)


async def apply(plan: Plan, users: Users, groups: Groups, actor: Actor) -> Plan:
    """Make the changes; returns those that were made, with what went wrong added to what was wrong before.

    A row that fails stops no other. Raises RemoteError when the store fails; what was made before stays, and the
    same file can be imported again.
    """
    made = Plan(unchanged=plan.unchanged, wrong=list(plan.wrong))
    outcomes = await users.write_many(actor, [_user(change) for change in plan.users])
    made.users = _made(plan.users, outcomes, made.wrong)
    groups_made = _made(plan.groups, await groups.write_many(actor, list(map(_group, plan.groups))), made.wrong)
    # A group that is a member may itself be new, so such members come when all groups are there.
    nested = [change for change in groups_made if _of_kind(change, GROUPS)]
    outcomes = await groups.write_many(actor, list(map(_nesting, nested)))
    failed = {change.id for change in nested} - {change.id for change in _made(nested, outcomes, made.wrong)}
    made.groups = [_without_nesting(change) if change.id in failed else change for change in groups_made]
    made.groups = [change for change in made.groups if change.before is None or change.fields or change.add]
    made.wrong.sort(key=lambda wrong: wrong.line)
    return made


def _user(change: Change) -> UserChange:
    if change.before is None:
        return UserCreate(change.document, id=change.id)
    return UserUpdate(change.id, lambda _: change.document, "import", change.before.version)


def _group(change: Change) -> GroupChange:
    people = _of_kind(change, USERS)
    if change.before is None:
        members = [{"value": member.value, "type": member.type} for member in people]
        return GroupCreate({**change.document, "members": members}, change.id)
    return GroupUpdate(change.id, lambda _: change.document, MemberChange(add=people), change.before.version)


def _nesting(change: Change) -> GroupChange:
    return GroupUpdate(change.id, lambda document: document, MemberChange(add=_of_kind(change, GROUPS)))


def _without_nesting(change: Change) -> Change:
    """Return what of a change was made when only its groups could not become members."""
    return replace(change, add=_of_kind(change, USERS))


def _of_kind(change: Change, kind: str) -> tuple[Member, ...]:
    return tuple(member for member in change.add if member.type == kind)


def _made(changes: Sequence[Change], outcomes: Sequence[Outcome], wrong: list[Wrong]) -> list[Change]:
    made = []
    for change, outcome in zip(changes, outcomes, strict=True):
        if isinstance(outcome, Exception):
            wrong.append(Wrong(change.row.line, str(outcome)))
        else:
            made.append(change)
    return made
