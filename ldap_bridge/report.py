"""Plans and runs as plain values that can be printed, stored and sent as JSON."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from ldap_bridge.following import Approach
from ldap_bridge.lines import Logged
from ldap_bridge.plan import Change, Kind, MembershipChange, Plan

# Longer texts are photos and the like, of which nobody reads the rest.
_LONGEST: Final = 1_000
_BEGINNING: Final = 40


@dataclass(frozen=True, slots=True)
class PlanReport:
    """What a run would do. `held` says why it would not be done without force; `gaps` why nobody would be removed."""

    source: str
    where: str
    complete: bool
    gaps: list[str]
    held: str
    people: int
    groups: int
    unresolved: int
    feed: str
    whole: bool
    why: str
    counts: dict[str, int]
    by_subject: dict[str, int]
    changes: list[Logged]
    problems: list[dict[str, Any]] = field(default_factory=list)
    run: str = ""
    """The run that keeps this plan, to be applied later."""


def report(plan: Plan, where: str, approach: Approach) -> PlanReport:
    """Return a plan as it is shown."""
    return PlanReport(
        source=plan.source,
        where=where,
        complete=plan.complete,
        gaps=plan.gaps,
        held=plan.held,
        people=plan.people,
        groups=plan.groups,
        unresolved=plan.unresolved,
        feed=approach.choice.feed,
        whole=approach.whole,
        why=approach.reason,
        counts=plan.counts(),
        by_subject=plan.counts_by_subject(),
        changes=[*lines_of(plan)],
        problems=[{"dn": problem.dn, "reason": problem.reason} for problem in plan.problems],
    )


def lines_of(plan: Plan) -> Iterator[Logged]:
    """Yield the changes of a plan as they are shown, without those that nobody sees."""
    yield from (logged_change(change) for change in plan.changes if change.kind is not Kind.SAME)
    yield from (logged_membership(change) for change in plan.memberships if not change.is_idle)


def logged_change(change: Change, error: str = "") -> Logged:
    """Return a person's or group's change as it is shown."""
    return Logged(
        kind=change.kind.value,
        subject=change.subject,
        name=change.name,
        dn=change.dn,
        resource=change.resource,
        fields=tuple({"path": one.path, "old": shown(one.old), "new": shown(one.new)} for one in change.fields),
        old_dn=change.old_dn if change.old_dn != change.dn else "",
        reason=change.reason,
        error=error,
        stable=change.stable,
        mark=change.found.digest if change.found else "",
    )


def logged_membership(change: MembershipChange, error: str = "") -> Logged:
    """Return a group's membership change as it is shown."""
    count = f"{len(change.added)} added, {len(change.removed)} removed"
    return Logged(
        kind=Kind.MEMBERS.value,
        subject="group",
        name=change.name,
        dn=change.dn,
        resource=change.group,
        reason=count,
        added=_named(change, change.added),
        removed=_named(change, change.removed),
        error=error,
        stable=change.link.stable if change.link else "",
    )


def shown(value: Any) -> Any:
    """Return a value as it is shown and kept: of a very long text the beginning, and how long it is."""
    if isinstance(value, str) and len(value) > _LONGEST:
        return f"{value[:_BEGINNING]}… ({len(value):,} characters)"
    if isinstance(value, list):
        return [shown(one) for one in value]
    if isinstance(value, dict):
        return {name: shown(one) for name, one in value.items()}
    return value


def _named(change: MembershipChange, members: Sequence[str]) -> list[str]:
    return sorted(change.names.get(member, member) for member in members)
