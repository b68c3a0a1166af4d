"""From entries to people and groups as we would keep them: pure, and one bad entry spoils nothing else."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from hashlib import blake2b
from typing import Final, Protocol

import msgspec

from idp.clock import to_text
from idp.directory.names import check_name
from idp.query import fold
from ldap_bridge.dn import DnError, key, outermost
from ldap_bridge.entries import Entry, Selection
from ldap_bridge.links import Link
from ldap_bridge.refusals import CheckName, Refusals
from ldap_bridge.rules import MANAGER, BadValue, Document, Path, Table, compile_table, put_at, value_at
from ldap_bridge.sections import EntrySettings, as_list
from ldap_bridge.settings import Source
from ldap_bridge.states import compile_states
from ldap_bridge.transforms import Unreadable, guid_text

STABLE_DN: Final = "dn"
# Whether somebody may log in is not merged like other values: a local decision to lock stands.
ACTIVE: Final = ("active",)
# uniqueMember may carry a bit string after the DN (RFC 4517 section 3.3.21).
_UNIQUE_ID: Final = re.compile(r"#'[01]*'B$")
_SID: Final = "objectSid"
MEMBER_UID: Final = "memberuid"
_FOREIGN_NAME: Final = partial(check_name, strict=False)
_encode = msgspec.json.Encoder().encode
_encode_entry = msgspec.msgpack.Encoder(order="sorted").encode
# Raise it when the same entry under the same settings comes to another document: then none is taken for known.
_VERSION: Final = 3


@dataclass(frozen=True, slots=True)
class Problem:
    """An entry that is left as it is, and why. `stable` is "" when not even that could be read."""

    dn: str
    reason: str
    stable: str = ""
    subject: str = ""


class Found(msgspec.Struct, array_like=True, gc=False):
    """A person or a group as the directory has it.

    `encoded` is the mapped document as JSON without `active`; `digest` stands for all that the mapping says.
    `active` is None when the directory does not tell; `reason` says why it is false, and `due` when time alone may
    change it, "" for never. `boss` is the DN key of the manager.
    `members` refers to who belongs to it, `groups` to what it says to belong to; only one of them is read. `raw` stands
    for a person's entry and the settings by which it is mapped; where the link knows it already, nothing was mapped,
    and `encoded` is empty. `alias` is the login that it has there, where another one was chosen here. `own_ref` is by
    what people name a primary group. `link` is there from the mapping to the intake, which goes by it.
    """

    stable: str
    dn: str
    dn_key: str
    name: str
    encoded: bytes
    digest: str
    active: bool | None = None
    members: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    raw: str = ""
    reason: str = ""
    due: str = ""
    alias: str = ""
    boss: str = ""
    own_ref: str = ""
    link: Link | None = None

    def document(self) -> Document:
        """Return the mapped document, a fresh copy."""
        decoded: Document = msgspec.json.decode(self.encoded)
        return decoded


@dataclass(slots=True)
class Mapped:
    """What a batch of entries came to.

    `closed` are those among the problems who are disabled in the directory, whatever else cannot be read of them.
    """

    found: list[Found] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    closed: list[Found] = field(default_factory=list)


class Known(Protocol):
    """Tells the link of an entry by its stable id, where there is one."""

    def get(self, stable: str, /) -> Link | None: ...


class Mapper:
    """The compiled mapping of one source. Raises ConfigError for a table that cannot work.

    `check_name` is the rule for logins that come from elsewhere.
    """

    def __init__(self, source: Source, check_name: CheckName = _FOREIGN_NAME) -> None:
        prefix = f"ldap.{source.name}"
        self.kinds: Final = source.registry.resource_types
        """What people and groups are declared to be."""
        self.users: Table = compile_table(source.users.attributes, self.kinds["User"], f"{prefix}.users.attributes")
        self.groups: Table = compile_table(source.groups.attributes, self.kinds["Group"], f"{prefix}.groups.attributes")
        self.check_name: Final = check_name
        self._no_people = Refusals(self.kinds["User"], self.users, "userName", check_name)
        self._no_groups = Refusals(self.kinds["Group"], self.groups, "displayName", _any_name)
        self._states = compile_states(source.users.inactive, f"{prefix}.users.inactive")
        self._login = self.users.part(("userName",))
        users = source.users
        self._manager = users.manager.lower()
        mapping = (
            *(_VERSION, users.attributes, users.inactive, users.manager),
            *(source.stable_id, source.groups.member_of),
        )
        self._mark = blake2b(_encode_entry(mapping), digest_size=16).digest()
        self._source = source
        self._stable = source.stable_id.lower()
        self.stable_attribute = source.stable_id
        self._member_of = source.groups.member_of.lower()
        self._primary = source.groups.primary.lower()
        self.members = tuple(name.lower() for name in source.groups.members)
        """The attributes in which groups name their members."""

    @property
    def login_attributes(self) -> tuple[str, ...]:
        """The attributes that the user name is made of."""
        return tuple(dict.fromkeys(name for rule in self._login.rules for name in rule.attributes))

    @property
    def has_managers(self) -> bool:
        """Whether people name their managers."""
        return bool(self._manager)

    @property
    def owned(self) -> tuple[Path, ...]:
        """The places of a person's document that the directory decides."""
        return (*self.users.owned, *([MANAGER] if self._manager else []))

    @property
    def people_selection(self) -> Selection:
        """What to read for people."""
        groups = self._source.groups
        more = [groups.member_of, groups.primary, self._source.users.manager, *self._states.attributes]
        return self._selection(self._source.users, self.users, more)

    @property
    def group_selection(self) -> Selection:
        """What to read for groups."""
        groups = self._source.groups
        more = [groups.member_of] if self._member_of else groups.members
        return self._selection(groups, self.groups, [*more, _SID] if self._primary else more)

    def people(self, now: datetime, entries: Sequence[Entry]) -> Mapped:
        """Map entries to people as they are at this moment."""
        return self.people_beside({}, now, entries)

    def people_beside(self, known: Known, now: datetime, entries: Sequence[Entry]) -> Mapped:
        """Map entries to people; of those that are as their links know them, by stable id, only the names are read."""
        moment = to_text(now)

        def person(entry: Entry, stable: str, dn_key: str) -> Found:
            raw = self._raw(entry)
            link = known.get(stable)
            if link and _is_known(entry, raw, link, moment):
                login = self._login.apply(entry.attributes)["userName"]
                found = Found(stable, entry.dn, dn_key, login, b"", link.digest, link.active)
                found.boss = link.boss
            else:
                found = self._person(entry, stable, dn_key, now)
            found.raw, found.link = raw, link
            return found

        return self._map(entries, person, partial(self._closed, now))

    def group_entries(self, entries: Sequence[Entry]) -> Mapped:
        """Map entries to groups."""
        return self._map(entries, self._group, lambda *_: None)

    def why_no_person(self, found: Found) -> str:
        """Return why nobody can be as an entry says, with the attribute; "" for an entry that is right."""
        return self._no_people.of(found.name, found.encoded, found.document)

    def why_no_group(self, found: Found) -> str:
        """Return why no group can be as an entry says, with the attribute; "" for an entry that is right."""
        return self._no_groups.of(found.name, found.encoded, found.document)

    def stable_id(self, entry: Entry) -> str:
        """Return what tells the entry from all others for ever. Raises BadValue, and DnError when it is the DN."""
        if self._stable == STABLE_DN:
            return key(entry.dn)
        values = entry.attributes.get(self._stable)
        if not values or not values[0]:
            raise BadValue(self._source.stable_id, "the entry has no value for it, so it cannot be told again")
        try:
            return guid_text(values[0]) if self._stable == "objectguid" else values[0].decode().lower()
        except (Unreadable, UnicodeDecodeError) as error:
            raise BadValue(self._source.stable_id, f"cannot be read: {error}") from None

    def _map(
        self,
        entries: Sequence[Entry],
        work: Callable[[Entry, str, str], Found],
        closed: Callable[[Entry, str, str], Found | None],
    ) -> Mapped:
        mapped = Mapped()
        for entry in entries:
            stable = dn_key = ""
            try:
                dn_key = key(entry.dn)
                stable = self.stable_id(entry)
                found = work(entry, stable, dn_key)
            except (BadValue, DnError) as error:
                mapped.problems.append(Problem(entry.dn, str(error), stable))
                if stable and (shut := closed(entry, stable, dn_key)):
                    mapped.closed.append(shut)
                continue
            if self._member_of or self._primary:
                found.groups = self._belongs_to(entry)
            mapped.found.append(found)
        return mapped

    def _belongs_to(self, entry: Entry) -> tuple[str, ...]:
        groups = filter(None, map(_dn_ref, entry.attributes.get(self._member_of, ())))
        primary = (sid_ref(value.decode("ascii", "replace")) for value in entry.attributes.get(self._primary, ()))
        return (*groups, *primary)

    def _raw(self, entry: Entry) -> str:
        """Return what stands for an entry's values and how they are mapped; who belongs where is looked at always."""
        values = entry.attributes
        if self._member_of in values:
            values = {name: found for name, found in values.items() if name != self._member_of}
        return blake2b(_encode_entry(values), digest_size=12, key=self._mark).hexdigest()

    def _person(self, entry: Entry, stable: str, dn_key: str, now: datetime) -> Found:
        document = _named(self.users.apply(entry.attributes), "userName")
        active, reason, due = document.pop("active", None), "", ""
        if self._states.tests:
            verdict = self._states.judge(entry.attributes, now)
            reason, due = verdict.reason, to_text(verdict.until) if verdict.until else ""
            active = active is not False and not reason
        encoded = _encode(document)
        boss = next(filter(None, map(_dn_ref, entry.attributes.get(self._manager, ()))), "") if self._manager else ""
        digest = _digest(encoded + _encode((active, reason, due, boss)))
        name = document["userName"]
        return Found(stable, entry.dn, dn_key, name, encoded, digest, active, reason=reason, due=due, boss=boss)

    def _closed(self, now: datetime, entry: Entry, stable: str, dn_key: str) -> Found | None:
        """Return the person without anything but the state, if that can be read and is that nobody may log in."""
        try:
            reason = self._states.judge(entry.attributes, now).reason
        except BadValue:
            return None
        return Found(stable, entry.dn, dn_key, "", b"", "", active=False, reason=reason) if reason else None

    def _group(self, entry: Entry, stable: str, dn_key: str) -> Found:
        document = _named(self.groups.apply(entry.attributes), "displayName")
        encoded = _encode(document)
        found = Found(stable, entry.dn, dn_key, document["displayName"], encoded, _digest(encoded))
        found.members = self._members_of(entry)
        found.own_ref = _own_ref(entry.attributes.get(_SID.lower(), ())) if self._primary else ""
        return found

    def _members_of(self, entry: Entry) -> tuple[str, ...]:
        refs: dict[str, None] = {}
        for name in () if self._member_of else self.members:
            read = _login_ref if name == MEMBER_UID else _dn_ref
            refs.update(dict.fromkeys(filter(None, map(read, entry.attributes.get(name, ())))))
        return tuple(refs)

    def _selection(self, settings: EntrySettings, table: Table, more: Sequence[str]) -> Selection:
        stable = [] if self._stable == STABLE_DN else [self._source.stable_id]
        return Selection(
            bases=outermost(as_list(settings.base) or as_list(self._source.base) or [""]),
            classes=settings.classes,
            not_classes=settings.not_classes,
            filters=as_list(settings.filter),
            attributes=tuple(dict.fromkeys([*table.attributes, *stable, *filter(None, more)])),
        )


def _is_known(entry: Entry, raw: str, link: Link, now: str) -> bool:
    # A link without a digest is to be looked at, whatever the entry is like, and one that is due as well.
    is_due = link.due != "" and link.due <= now
    return link.raw == raw and link.dn == entry.dn and bool(link.digest) and not link.gone and not is_due


def _any_name(_: str) -> None:
    """Groups are called anything."""


def _named(document: Document, name: str) -> Document:
    if name not in document:
        raise BadValue(name, "the entry has no value for it")
    return document


def _digest(encoded: bytes) -> str:
    return blake2b(encoded, digest_size=12).hexdigest()


def sid_ref(number: str) -> str:
    """Return the reference by which primaryGroupID names a group; DNs never begin with a number sign."""
    return f"#{number.strip()}"


def _own_ref(values: Sequence[bytes]) -> str:
    # [MS-DTYP] 2.4.2.2: the last of a SID's numbers, little-endian, tells the group within its domain.
    return sid_ref(str(int.from_bytes(values[0][-4:], "little"))) if values and len(values[0]) >= 12 else ""


def login_ref(login: str) -> str:
    """Return the reference by which memberUid names a person; DNs never begin with a colon."""
    return f":{fold(login)}"


def _login_ref(value: bytes) -> str:
    return login_ref(value.decode("utf-8", "backslashreplace").strip())


def _dn_ref(value: bytes) -> str:
    """Return the key of a member's DN; "" for what is none, such as the stand-in for an empty group."""
    try:
        return key(_UNIQUE_ID.sub("", value.decode()))
    except (DnError, UnicodeDecodeError):
        return ""


def merged(document: Document, mapped: Document, table: Table) -> Document:
    """Return a stored document with everything the table owns put as the mapped one says; the rest stays."""
    for path in table.owned:
        if path != ACTIVE:
            put_at(document, path, value_at(mapped, path))
    return document
