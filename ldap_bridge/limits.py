"""Whether a plan may be carried out unseen: how much of each kind it may change. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from idp.access import ADMINISTRATIVE
from idp.words import counted
from ldap_bridge.plan import GROUP, FieldChange, Kind, Plan
from ldap_bridge.sections import LimitSettings, Most

_REMOVING: Final = (Kind.DISABLE, Kind.REMOVE, Kind.PURGE)
# Administrators who are named; the plan has all of them.
_NAMED: Final = 5
# The kinds with a limit of their own, and what becomes of whom they happen to; a change counts as one kind only.
_DONE: Final = {
    Kind.CREATE: "created",
    Kind.ENABLE: "enabled",
    Kind.UPDATE: "updated",
    Kind.RENAME: "renamed",
    Kind.MOVE: "moved",
    Kind.DISABLE: "disabled",
    Kind.REMOVE: "removed",
    Kind.PURGE: "purged",
}


@dataclass(frozen=True, slots=True)
class Present:
    """What there is before a run: people and groups `linked` with the directory, all groups, all administrators."""

    linked: int
    groups: int
    admins: int = 0


def why_held(plan: Plan, limits: LimitSettings, present: Present) -> str:
    """Return why a plan should not be carried out unseen, or "": it changes unusually many."""
    linked, groups = present.linked, present.groups
    removing = plan.changes.number_of(*_REMOVING)
    all_told = Most(limits.count, limits.percent)
    # Groups by themselves, too: among many people all of them would be few.
    reasons = [
        _over("would be disabled or removed", removing, linked, all_told, "limits"),
        _over("groups would be removed or emptied", _lost_groups(plan), groups, all_told, "limits"),
    ]
    reasons += [
        _over(f"would be {_DONE[kind]}", plan.changes.number_of(kind), linked, most, f"limits.{kind}")
        for kind in _DONE
        if (most := getattr(limits, kind.value)) is not None
    ]
    given, admins = _roles(plan)
    reasons += [
        _over("would be given another role", given, linked, limits.role, "limits.role"),
        # Among administrators by themselves, too: a tenth of all people would be a great many of them.
        _too_many_administrators(admins, present.admins, limits.admin),
    ]
    if limits.groups is not None:
        reasons.append(_over("groups would be changed", _groups(plan), groups, limits.groups, "limits.groups"))
    return "; ".join(filter(None, reasons))


def _groups(plan: Plan) -> int:
    """Count the groups that anything happens to."""
    changed = (change.resource for change in plan.changes.of(subject=GROUP) if change.kind is not Kind.SAME)
    return len({*changed, *(change.group for change in plan.memberships if not change.is_idle)})


def _roles(plan: Plan) -> tuple[int, list[str]]:
    """Count whose role becomes another one, but for new people; with who comes to manage others or does so no more."""
    roles = [*plan.changes.of(Kind.ROLE)]
    moved = [change.name for change in roles if any(map(_comes_or_goes, change.fields))]
    given = {change.resource for change in roles}
    new = {change.resource for change in plan.changes.of(Kind.CREATE) if change.resource in given} if given else set()
    return sum(change.resource not in new for change in roles), moved


def _comes_or_goes(role: FieldChange) -> bool:
    return (role.old in ADMINISTRATIVE) is not (role.new in ADMINISTRATIVE)


def _lost_groups(plan: Plan) -> int:
    emptied = sum(removed > 0 and is_empty for _, removed, is_empty in plan.memberships.extents())
    return plan.changes.number_of(Kind.REMOVE, subject=GROUP) + emptied


def _over(what: str, count: int, among: int, most: Most, key: str) -> str:
    # Nobody is among nobody before the first run.
    share = f"{count} of {among}" if among else f"{count}"
    return f"{share} {what}, {rule}" if (rule := _passed(count, among, most, key)) else ""


def _too_many_administrators(names: Sequence[str], present: int, most: Most) -> str:
    if not (rule := _passed(len(names), present, most, "limits.admin")):
        return ""
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    there = "there is 1" if present == 1 else f"there are {present or 'none'}"
    named = f"{', '.join(names[:_NAMED])}{more}"
    return f"{counted(len(names), 'administrator')} would come or go ({named}), where {there} now: {rule}"


def _passed(count: int, among: int, most: Most, key: str) -> str:
    """Say which rule a count is too much for, or return ""."""
    allowed = max(most.count, int(among * most.percent / 100))
    if count <= allowed:
        return ""
    return f"more than the {allowed} that {key}.count = {most.count} and {key}.percent = {most.percent:g} allow"
