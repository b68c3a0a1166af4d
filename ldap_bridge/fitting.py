"""Whether a plan that was kept still fits: compared line by line with one that was made just now. Pure."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from typing import Any, Final

import msgspec

from ldap_bridge.lines import Logged
from ldap_bridge.plan import Changes, Kind, Memberships, Plan, dotted
from ldap_bridge.report import logged_change, logged_membership
from ldap_bridge.rules import MANAGER

# Not carried out: conflicts wait for somebody, the others are what nobody sees.
_IDLE: Final = frozenset({Kind.CONFLICT, Kind.SAME})
# These may come besides another change of the same person or group.
_BESIDES: Final = frozenset({Kind.MEMBERS, Kind.ROLE})
# New ids are given with every plan.
_WITH_NEW_IDS: Final = frozenset({Kind.CREATE, *_BESIDES})
_MANAGER: Final = dotted(MANAGER)
_encode: Final = msgspec.json.Encoder(order="deterministic").encode
_Key = tuple[str, str, str]
LineSource = Callable[[], Iterable[Logged]]
"""Gives lines that can be gone through more than once, and need not be in memory together."""


@dataclass(slots=True)
class Fit:
    """What of a new plan is that of the kept one; `left` counts what came since, and `differences` say what is not."""

    plan: Plan
    left: int = 0
    differences: list[str] = field(default_factory=list)


def mark_of(lines: LineSource) -> str:
    """Return what stands for everything that a plan would do, in whatever order."""
    found = sorted(_digest(_essence(line)) for line in _comparable(lines) if line.kind not in _IDLE)
    return _digest(b"".join(found)).hex()


def fitted(plan: Plan, kept: Sequence[Logged]) -> Fit:
    """Return the part of a new plan that a kept one asks for, line by line the same."""
    wanted = _whole(_comparable(lambda: kept))
    fit = Fit(replace(plan, changes=Changes(), memberships=Memberships()))
    for change, line in zip(plan.changes, _comparable(lambda: map(logged_change, plan.changes)), strict=True):
        if change.kind in _IDLE or _take(fit, wanted, line):
            fit.plan.changes.append(change)
            fit.plan.changes.put_away()
    for membership in plan.memberships:
        if membership.is_idle or _take(fit, wanted, logged_membership(membership)):
            fit.plan.memberships.append(membership)
            fit.plan.memberships.put_away()
    fit.differences += [f"{_named(line)} is not to be done any more" for line in wanted.values()]
    return fit


def _take(fit: Fit, wanted: dict[_Key, Logged], line: Logged) -> bool:
    """Tell whether the line is wanted as it is, and note otherwise what it is instead."""
    kept = wanted.pop(_key(line), None)
    if kept is None:
        fit.left += 1
        return False
    if _essence(kept) == _essence(line):
        return True
    fit.differences.append(f"{_named(kept)} is now: {_named(line)}{_told(line)}")
    return False


def _whole(lines: Iterable[Logged]) -> dict[_Key, Logged]:
    """Return the lines that do something by what they are about, those of one group's members put together."""
    found: dict[_Key, Logged] = {}
    for line in lines:
        if line.kind in _IDLE or (line.kind == Kind.MEMBERS and not line.added and not line.removed):
            continue
        before = found.get(_key(line))
        found[_key(line)] = _together(before, line) if before else line
    return found


def _together(one: Logged, other: Logged) -> Logged:
    return replace(one, added=[*one.added, *other.added], removed=[*one.removed, *other.removed])


def _key(line: Logged) -> _Key:
    return (line.kind if line.kind in _BESIDES else "", line.subject, line.stable or line.dn)


def _comparable(lines: LineSource) -> Iterator[Logged]:
    """Yield the lines with new people named as managers by what they are in the directory."""
    managers = {_manager_of(one) for line in lines() for one in line.fields if one["path"] == _MANAGER}
    created = (line for line in lines() if line.kind == Kind.CREATE) if managers else ()
    new = {line.resource: line.stable or line.dn for line in created if line.resource in managers}
    for line in lines():
        fields = [_manager_named(one, new) if one["path"] == _MANAGER else one for one in line.fields]
        yield replace(line, fields=fields) if fields != [*line.fields] else line


def _manager_named(field: dict[str, Any], new: Mapping[str, str]) -> dict[str, Any]:
    manager = _manager_of(field)
    return {**field, "new": new.get(manager, manager)}


def _manager_of(field: dict[str, Any]) -> str:
    return str((field["new"] or {}).get("value", ""))


def _essence(line: Logged) -> bytes:
    """Return what is the same for two lines exactly when they do the same."""
    resource = "" if line.kind in _WITH_NEW_IDS else line.resource
    return _encode(
        (*_key(line), line.kind, line.name, line.dn, line.fields, line.added, line.removed, line.mark, resource)
    )


def _digest(essence: bytes) -> bytes:
    return blake2b(essence, digest_size=16).digest()


def _named(line: Logged) -> str:
    return f"{line.kind} {line.subject} {line.name!r}"


def _told(line: Logged) -> str:
    if line.kind == Kind.MEMBERS:
        return f" ({len(line.added)} added, {len(line.removed)} removed)"
    return f" ({', '.join(one['path'] for one in line.fields)})" if line.fields else ""
