"""Whether a plan may be carried out unseen: how much of each kind it may change. Pure."""

from collections import Counter
from typing import Final

from ldap_bridge.plan import GROUP, Kind, Plan, members_digest
from ldap_bridge.sections import LimitSettings, Most

_REMOVING: Final = (Kind.DISABLE, Kind.REMOVE, Kind.PURGE)
_NOBODY: Final = members_digest(())
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


def why_held(plan: Plan, limits: LimitSettings, linked: int, groups: int) -> str:
    """Return why a plan should not be carried out unseen, or "": it changes unusually many.

    `linked` is how many people and groups come from the directory, and `groups` how many groups there are.
    """
    found = Counter(change.kind for change in plan.changes)
    removing = sum(found[kind] for kind in _REMOVING)
    most = Most(limits.count, limits.percent)
    # Groups by themselves, too: among many people all of them would be few.
    reasons = [
        _over("would be disabled or removed", removing, linked, most, "limits"),
        _over("groups would be removed or emptied", _lost_groups(plan), groups, most, "limits"),
    ]
    reasons += [
        _over(f"would be {_DONE[kind]}", found[kind], linked, most, f"limits.{kind}")
        for kind in _DONE
        if (most := getattr(limits, kind.value)) is not None
    ]
    if limits.groups is not None:
        reasons.append(_over("groups would be changed", _groups(plan), groups, limits.groups, "limits.groups"))
    return "; ".join(filter(None, reasons))


def _groups(plan: Plan) -> int:
    """Count the groups that anything happens to."""
    changed = (change.resource for change in plan.changes if change.subject == GROUP and change.kind is not Kind.SAME)
    return len({*changed, *(change.group for change in plan.memberships if change.added or change.removed)})


def _lost_groups(plan: Plan) -> int:
    removed = sum(change.subject == GROUP and change.kind is Kind.REMOVE for change in plan.changes)
    return removed + sum(bool(change.removed) and change.digest == _NOBODY for change in plan.memberships)


def _over(what: str, count: int, among: int, most: Most, key: str) -> str:
    allowed = max(most.count, int(among * most.percent / 100))
    if count <= allowed:
        return ""
    rule = f"{key}.count = {most.count} and {key}.percent = {most.percent:g}"
    return f"{count} of {among} {what}, more than the {allowed} that {rule} allow"
