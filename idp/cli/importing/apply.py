"""Carrying an import out: users in large commits, then groups with their members."""

from collections.abc import Sequence

from idp.access import Actor
from idp.cli.importing.plan import Change, Plan
from idp.cli.importing.rows import Wrong
from idp.directory import (
    GroupChange,
    GroupCreate,
    Groups,
    GroupUpdate,
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
    group_outcomes = await groups.write_many(actor, [_group(change) for change in plan.groups])
    made.groups = _made(plan.groups, group_outcomes, made.wrong)
    made.wrong.sort(key=lambda wrong: wrong.line)
    return made


def _user(change: Change) -> UserChange:
    if change.before is None:
        return UserCreate(change.document, id=change.id)
    return UserUpdate(change.id, lambda _: change.document, "import", change.before.version)


def _group(change: Change) -> GroupChange:
    if change.before is None:
        members = [{"value": member.value, "type": member.type} for member in change.add]
        return GroupCreate({**change.document, "members": members}, change.id)
    return GroupUpdate(change.id, lambda _: change.document, MemberChange(add=change.add), change.before.version)


def _made(changes: Sequence[Change], outcomes: Sequence[Outcome], wrong: list[Wrong]) -> list[Change]:
    made = []
    for change, outcome in zip(changes, outcomes, strict=True):
        if isinstance(outcome, Exception):
            wrong.append(Wrong(change.row.line, str(outcome)))
        else:
            made.append(change)
    return made
