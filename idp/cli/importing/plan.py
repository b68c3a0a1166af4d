"""What an import comes to: each row compared with what is there, nothing changed yet."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from idp.access import Actor
from idp.cli.importing.rows import BUILT_IN, GROUPS, USERS, Row, Wrong
from idp.directory import Groups, Member, Resource, Users, check_name
from idp.directory.names import check_address
from idp.errors import CallerError, InvalidValue
from idp.query import In, Query, fold
from idp.schema import Registry, ResourceType, Uniqueness, validate

BATCH = 500
_NAMES: Final = {USERS: "userName", GROUPS: "displayName"}


@dataclass(frozen=True, slots=True)
class Change:
    """A row that would change something. `before` is None for something new; `fields` names what would change."""

    row: Row
    id: str
    before: Resource | None
    document: dict[str, Any]
    fields: tuple[str, ...]
    add: tuple[Member, ...] = ()


@dataclass(slots=True)
class Plan:
    """All changes, users before groups; and what is wrong."""

    users: list[Change] = field(default_factory=list)
    groups: list[Change] = field(default_factory=list)
    unchanged: int = 0
    wrong: list[Wrong] = field(default_factory=list)


class Found:
    """Who is there already, by the names a file knows them by."""

    def __init__(self, kind: ResourceType, name: str) -> None:
        self._name = name
        self._kind = kind
        self._is_unique = kind.resolve(name).attribute.uniqueness is not Uniqueness.NONE
        self._by_external_id: dict[str, Resource] = {}
        self._by_name: dict[str, list[Resource]] = {}

    async def look(self, service: Users | Groups, actor: Actor, names: Iterable[str]) -> None:
        """Read everything that has one of these names."""
        wanted = sorted({name for name in names if name})
        for attribute in ("externalId", self._name):
            target = self._kind.resolve(attribute).field
            for start in range(0, len(wanted), BATCH):
                some = In(target, tuple(wanted[start : start + BATCH]))
                page = await service.find(actor, Query(some, limit=BATCH * 4, total=False))
                for record in page.records:
                    self._keep(Resource.of(record))

    def of(self, row: Row) -> Resource | None:
        """Return what the row means. Raises CallerError when its names belong to different ones."""
        by_id = self._by_external_id.get(row.external_id) if row.external_id else None
        named = self._by_name.get(fold(row.name), [])
        if by_id is None and len(named) > 1:
            raise CallerError(f"{len(named)} groups are called {row.name!r}; an externalId tells them apart")
        other = next((found for found in named if by_id and found.id != by_id.id), None)
        if by_id is not None and other is not None and self._is_unique:
            raise CallerError(f"externalId {row.external_id!r} is {_shown(by_id)}, but {row.name!r} is somebody else")
        return by_id or next(iter(named), None)

    def named(self, name: str) -> Resource | None:
        """Return what a member's name means: an externalId, else the only one of that name."""
        named = self._by_name.get(fold(name), [])
        return self._by_external_id.get(name) or (named[0] if len(named) == 1 else None)

    def _keep(self, resource: Resource) -> None:
        document = resource.document
        if external_id := document.get("externalId"):
            self._by_external_id[external_id] = resource
        named = self._by_name.setdefault(fold(document.get(self._name, "")), [])
        if all(other.id != resource.id for other in named):
            named.append(resource)


class Planner:
    """Makes the plan for a file's rows."""

    def __init__(
        self, users: Users, groups: Groups, actor: Actor, ids: Callable[[], str], registry: Registry = BUILT_IN
    ) -> None:
        self._kinds = registry.resource_types
        self._users = users
        self._groups = groups
        self._actor = actor
        self._ids = ids
        self._found = {kind: Found(self._kinds[kind], name) for kind, name in _NAMES.items()}
        self._by_external_id: dict[str, Member] = {}
        self._by_name: dict[str, Member] = {}
        self._seen: dict[tuple[str, str, str], Row] = {}

    async def plan(self, rows: Iterable[Row | Wrong]) -> Plan:
        """Compare every row with what is there."""
        rows = list(rows)
        plan = Plan(wrong=[row for row in rows if isinstance(row, Wrong)])
        good = [row for row in rows if isinstance(row, Row)]
        people = [row for row in good if row.kind == USERS]
        groups = _with_memberships([row for row in good if row.kind == GROUPS], people)
        members = [name for group in groups for name in group.members]
        await self._found[USERS].look(self._users, self._actor, [*_names(people), *members])
        await self._found[GROUPS].look(self._groups, self._actor, [*_names(groups), *members])
        for row in people:
            self._take(plan, plan.users, row)
        for row in groups:
            self._take(plan, plan.groups, row)
        await self._plan_members(plan)
        _leave_unchanged(plan)
        plan.wrong.sort(key=lambda wrong: wrong.line)
        return plan

    def _take(self, plan: Plan, changes: list[Change], row: Row) -> None:
        try:
            changes.append(self._compare(row))
        except CallerError as error:
            plan.wrong.append(Wrong(row.line, str(error)))

    def _compare(self, row: Row) -> Change:
        document = validate(self._kinds[row.kind], row.document, creating=True)
        del document["schemas"]
        if row.kind == USERS:
            check_name(row.name, strict=True)
        before = self._found[row.kind].of(row)
        if row.kind == USERS and before is None:
            for mail in document.get("emails", ()):
                check_address(mail.get("value", ""))
        known_as = before.id if before else self._ids()
        self._refuse_second(row, before)
        if row.external_id:
            self._by_external_id[row.external_id] = Member(known_as, row.kind)
        self._by_name[fold(row.name)] = Member(known_as, row.kind)
        merged = _merged(before.document if before else {}, document)
        fields = tuple(name for name in document if before is None or merged[name] != before.document.get(name))
        return Change(row, known_as, before, merged, fields)

    def _refuse_second(self, row: Row, before: Resource | None) -> None:
        """Raise CallerError when an earlier row is about the same one; a line may hold several."""
        names = {"externalId": row.external_id, "name": fold(row.name), "id": before and before.id}
        for what, name in names.items():
            if name and (first := self._seen.setdefault((row.kind, what, name), row)) is not row:
                same = f"line {first.line}" if first.line != row.line else "one before it on this line"
                raise CallerError(f"{row.name!r} is the same as {same}")

    async def _plan_members(self, plan: Plan) -> None:
        ids = [change.before.id for change in plan.groups if change.before]
        present = await self._groups.members_of(ids) if ids else {}
        groups, plan.groups = plan.groups, []
        for change in groups:
            there = {member["value"] for member in present.get(change.id, ())}
            try:
                wanted = {member.value: member for member in map(self._member, change.row.members)}
                if change.id in wanted:
                    raise InvalidValue("members", "a group cannot be a member of itself")
            except CallerError as error:
                plan.wrong.append(Wrong(change.row.line, str(error)))
                continue
            add = tuple(member for member in wanted.values() if member.value not in there)
            plan.groups.append(replace(change, add=add))

    def _member(self, name: str) -> Member:
        if of_file := self._by_external_id.get(name) or self._by_name.get(fold(name)):
            return of_file
        for kind, found in self._found.items():
            if (resource := found.named(name)) is not None:
                return Member(resource.id, kind)
        raise CallerError(f"nobody is known as {name!r}, neither in the file nor in the directory")


def _with_memberships(groups: list[Row], people: list[Row]) -> list[Row]:
    """Add what people's rows say of groups to the groups' rows; a group that has none gets one."""
    members: dict[str, list[str]] = {}
    first: dict[str, tuple[int, str]] = {}
    for person in people:
        for group in person.groups:
            members.setdefault(fold(group), []).append(person.external_id or person.name)
            first.setdefault(fold(group), (person.line, group))
    named = {fold(row.name): row for row in groups}
    joined = [Row(row.line, GROUPS, row.document, (*row.members, *members.get(fold(row.name), ()))) for row in groups]
    new = [(line, name, members[key]) for key, (line, name) in first.items() if key not in named]
    return joined + [Row(line, GROUPS, {"displayName": name}, tuple(them)) for line, name, them in new]


def _merged(before: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Lay what a file says over what is there: it adds and replaces, and clears nothing."""
    merged = dict(before)
    for name, value in given.items():
        there = merged.get(name)
        merged[name] = _merged(there, value) if isinstance(there, dict) and isinstance(value, dict) else value
    return merged


def _names(rows: Iterable[Row]) -> list[str]:
    return [name for row in rows for name in (row.external_id, row.name) if name]


def _leave_unchanged(plan: Plan) -> None:
    for changes in (plan.users, plan.groups):
        changing = [change for change in changes if change.before is None or change.fields or change.add]
        plan.unchanged += len(changes) - len(changing)
        changes[:] = changing


def _shown(resource: Resource) -> str:
    return repr(resource.document.get("userName") or resource.document.get("displayName"))
