"""Why a person is as she is: her entry, what each rule makes of it, and which run or whom each value came from."""

import asyncio
from collections.abc import Callable, Container, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any, Final

from idp.access import Actor, Area, Verb, demand
from idp.audit import COLLECTION as AUDIT
from idp.audit import Tag
from idp.clock import Clock
from idp.directory import Resource, Users
from idp.directory.ownership import source_of
from idp.errors import InvalidValue, NotFound
from idp.query import Compare, Field, Kind, Op, Query, Sort, fold
from idp.schema import USER as USER_TYPE
from idp.schema import validate
from idp.schema.urns import GATEHOUSE_USER
from idp.store.contract import Store
from ldap_bridge.conflicts import Conflict, Conflicts
from ldap_bridge.directories import at_any_server, open_directory, open_followed
from ldap_bridge.dn import DnError, key_or_text
from ldap_bridge.entries import Entry
from ldap_bridge.errors import DirectoryError
from ldap_bridge.links import Link, Links
from ldap_bridge.mapping import Found, Mapper
from ldap_bridge.plan import USER, differences
from ldap_bridge.report import shown
from ldap_bridge.rules import HIDDEN, BadValue, Rule, Table, value_at
from ldap_bridge.settings import Source

_TARGET: Final = Field(("target",))
_NEWEST: Final = Sort(Field(("at",), Kind.DATETIME), descending=True)
# Events looked through for whoever set a value last.
_EVENTS: Final = 2_000
_SECRET: Final = ("password", "passwd", "pwd", "secret", "krbprincipalkey")


@dataclass(frozen=True, slots=True)
class RuleShown:
    """What one line of the mapping reads, and what it makes of that; `problem` says why it makes nothing."""

    path: str
    how: str
    reads: Mapping[str, list[str]]
    makes: Any
    problem: str = ""


@dataclass(frozen=True, slots=True)
class ValueShown:
    """One attribute of the account: whose it is to say, and who set it last, when, by which run."""

    attribute: str
    value: Any
    owner: str
    set_by: str = ""
    set_at: str = ""
    run: str = ""


@dataclass(slots=True)
class Explanation:
    """Everything that is known of one person of a source. What is empty or None is not there.

    `problems` say why no run can bring the account in step with the entry, and `differs` names what a full compare
    would change of it now.
    """

    source: str
    who: str
    entry: dict[str, list[str]] = field(default_factory=dict)
    dn: str = ""
    stable: str = ""
    problems: list[str] = field(default_factory=list)
    enabled_there: bool | None = None
    reason_there: str = ""
    rules: list[RuleShown] = field(default_factory=list)
    account: str = ""
    user_name: str = ""
    origin: str = ""
    active: bool | None = None
    status: dict[str, Any] = field(default_factory=dict)
    gone: str = ""
    link_dn: str = ""
    differs: list[str] = field(default_factory=list)
    values: list[ValueShown] = field(default_factory=list)
    groups: list[str] = field(default_factory=list)
    conflict: Conflict | None = None


class Explainer:
    """Explains people of the configured sources."""

    def __init__(self, store: Store, users: Users, clock: Clock, sources: Mapping[str, Source]) -> None:
        self._store = store
        self._users = users
        self._clock = clock
        self._sources = sources

    async def explain(self, actor: Actor, source: str, who: str) -> Explanation:
        """Explain the person of this login, mail address, DN, stable id or account id.

        Raises PermissionDenied, NotFound for a source that is not configured or a person whom neither knows, and
        DirectoryError or LdifError.
        """
        demand(actor, Verb.READ, Area.DIRECTORIES)
        demand(actor, Verb.READ, Area.USERS)
        if source not in self._sources:
            raise NotFound("directory", source)
        chosen = self._sources[source]
        mapper = Mapper(chosen, self._users.check_name)
        user, link = await self._known(source, who)
        entry = await asyncio.to_thread(_read, chosen, mapper, link, _meant(mapper, who))
        if entry is None and user is None:
            raise NotFound(f"person in directory {source}", who)
        told = Explanation(source, who)
        found = self._tell_entry(told, mapper, entry) if entry is not None else None
        if user is None and told.stable:
            user, link = await self._known(source, told.stable)
        if link is not None:
            told.stable, told.gone, told.link_dn = link.stable, link.gone, link.dn
        if user is not None:
            await self._tell_account(told, mapper, user)
            if found is not None and told.origin == chosen.key:
                told.differs = _differing(mapper, found, user)
        if told.stable:
            told.conflict = await Conflicts(self._store, self._clock).of_entry(source, told.stable)
        return told

    async def _known(self, source: str, who: str) -> tuple[Resource | None, Link | None]:
        """Return the account and the link that are meant, as far as there are any."""
        links = Links(self._store, source)
        user = await self._users.by_login(who)
        link = await links.of_resource(user.id if user else who)
        if link is None and user is None:
            found = [link for link in await links.of_stables(USER, [who, who.lower()]) if link.kind == USER]
            found += [link for link in await links.of_refs([key_or_text(who)]) if link.kind == USER]
            link = found[0] if found else None
        if link is not None and user is None:
            record = await self._store.get(USER_TYPE.collection, link.resource)
            user = Resource.of(record) if record else None
        return user, link

    def _tell_entry(self, told: Explanation, mapper: Mapper, entry: Entry) -> Found | None:
        told.dn = entry.dn
        table = mapper.users
        secret = {name.lower() for rule in table.rules if rule.place in table.secret for name in rule.attributes}
        told.entry = {
            name: _texts(name, values, secret=name in secret) for name, values in sorted(entry.attributes.items())
        }
        mapped = mapper.people(self._clock.now(), [entry])
        told.problems = [problem.reason for problem in mapped.problems]
        told.rules = [_applied(rule, entry, table, secret) for rule in table.rules]
        for found in mapped.found:
            told.stable, told.enabled_there, told.reason_there = found.stable, found.active, found.reason
            told.problems += filter(None, [mapper.why_no_person(found)])
            return found
        return None

    async def _tell_account(self, told: Explanation, mapper: Mapper, user: Resource) -> None:
        document, own = user.document, user.document.get(GATEHOUSE_USER, {})
        told.account, told.user_name, told.origin = user.id, document["userName"], source_of(document)
        told.active, told.status = document.get("active"), dict(own.get("status", {}))
        setters = await self._setters(user.id)
        owned = {place[0] for place in mapper.users.owned} if told.origin == f"ldap:{told.source}" else set[str]()
        for name, value in document.items():
            if name in ("schemas", "id", "meta"):
                continue
            by, at = setters.get(name) or setters.get("", ("", ""))
            owner = told.origin if name in owned else "everybody who may change accounts"
            run = by.partition(" run ")[2] if by.startswith("ldap:") else ""
            may_show = name not in mapper.kinds["User"].secretive
            told.values.append(ValueShown(name, shown(value) if may_show else HIDDEN, owner, by, at, run))
        told.groups = sorted(group["display"] for group in (await self._users.groups_of([user.id]))[user.id])

    async def _setters(self, user: str) -> dict[str, tuple[str, str]]:
        """Return by attribute who set it last, and when; "" stands for what nobody has set since the creation."""
        query = Query(Compare(_TARGET, Op.EQ, user), sort=_NEWEST, limit=_EVENTS, total=False)
        found: dict[str, tuple[str, str]] = {}
        for record in (await self._store.find(AUDIT, query)).records:
            event = record.document
            said = (event["actorName"], event["at"])
            if event["tag"] == Tag.DIRECTORY_USER_CREATED:
                found.setdefault("", said)
            for name in event.get("details", {}).get("fields", ()):
                found.setdefault(name, said)
        return found


def _differing(mapper: Mapper, found: Found, user: Resource) -> list[str]:
    try:
        wanted = validate(mapper.kinds["User"], found.document(), creating=False)
    except InvalidValue:
        return []
    return [one.path for one in differences(user.document, wanted, mapper.users)]


def _applied(rule: Rule, entry: Entry, table: Table, secret: Container[str]) -> RuleShown:
    values = {name: entry.attributes.get(name.lower(), []) for name in rule.attributes}
    reads = {name: _texts(name, found, secret=name.lower() in secret) for name, found in values.items() if found}
    try:
        document = Table((rule,), (), ()).apply(entry.attributes)
    except BadValue as error:
        return RuleShown(rule.path, rule.how, reads, None, str(error))
    return RuleShown(rule.path, rule.how, reads, shown(table.shown(rule.place, value_at(document, rule.place))))


def _texts(name: str, values: Sequence[bytes], *, secret: bool) -> list[str]:
    """Return values as they are shown: no secrets, and of what is no text how long it is."""
    if secret or any(word in name.lower() for word in _SECRET):
        return [HIDDEN] * len(values)
    return [_text(value) for value in values]


def _text(value: bytes) -> str:
    try:
        text = value.decode()
    except UnicodeDecodeError:
        return f"({len(value):,} bytes)"
    return str(shown(text)) if text.isprintable() else f"({len(value):,} bytes)"


def _meant(mapper: Mapper, who: str) -> Callable[[Entry], bool]:
    """Return whether an entry is the one asked for: by its DN, stable id, login or address."""
    wanted, dn, has_id = fold(who), key_or_text(who), _of_id(mapper, who.lower())

    def matches(entry: Entry) -> bool:
        if key_or_text(entry.dn) == dn:
            return True
        names = (*mapper.login_attributes, "mail", mapper.stable_attribute)
        values = (value for name in names for value in entry.attributes.get(name.lower(), ()))
        if any(fold(value.decode("utf-8", "replace")) == wanted for value in values):
            return True
        return has_id(entry)

    return matches


def _read(source: Source, mapper: Mapper, link: Link | None, matches: Callable[[Entry], bool]) -> Entry | None:
    """Blocking: return the entry, by its id where that is known and a server can be asked, else by looking at all."""
    if link is not None and source.server is not None and source.stable_id.lower() != "dn":
        _, follow = open_followed(source, mapper)
        found = at_any_server(follow, lambda: follow.entries(USER, [link.stable]))
        return found[0] if found else None
    if link is not None:
        matches = _of_id(mapper, link.stable)
    reading = open_directory(source).read(mapper.people_selection)
    with closing(reading.batches()) as batches:
        for batch in batches:
            for entry in batch:
                if matches(entry):
                    return entry
    if not reading.outcome.complete:
        raise DirectoryError(source.name, reading.outcome.reason)
    return None


def _of_id(mapper: Mapper, stable: str) -> Callable[[Entry], bool]:
    def matches(entry: Entry) -> bool:
        try:
            return mapper.stable_id(entry) == stable
        except (BadValue, DnError):
            return False

    return matches
