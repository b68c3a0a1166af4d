"""A directory in memory that answers as Active Directory or 389 Directory Server do, as far as change feeds need it."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from operator import eq
from uuid import UUID, uuid5

from ldap_bridge.dn import is_within, key, parent
from ldap_bridge.sync_controls import DIRSYNC, SHOW_DELETED
from tests.support.ldap_wire import Request, elements, encode_control, encode_dirsync, encode_done, encode_entry

AND, OR, NOT, EQUALS, AT_LEAST, PRESENT = 0xA0, 0xA1, 0xA2, 0xA3, 0xA5, 0x87
# RFC 4511 section 4.5.1.2: the base alone, what is right below it, the whole subtree.
_SCOPES = {0: eq, 1: lambda dn, base: parent(dn) == base, 2: is_within}
Attributes = dict[str, list[bytes]]


@dataclass
class MemoryDirectory:
    """Entries by DN. Every change counts up `number`, marks its entry by it, and is written into `changelog`.

    `sees_deleted` tells whether the account may see tombstones, `may_dirsync` whether it may use DirSync.
    """

    context: str
    stable: str = "objectGUID"
    root: dict[str, list[str]] = field(default_factory=dict)
    sees_deleted: bool = True
    may_dirsync: bool = True
    entries: dict[str, Attributes] = field(default_factory=dict)
    deleted: dict[str, Attributes] = field(default_factory=dict)
    changelog: list[str] = field(default_factory=list)
    number: int = 1000
    asked: list[Request] = field(default_factory=list)
    passwords: dict[str, str] = field(default_factory=dict)
    """Passwords by DN; nobody else can bind but the account without a name."""
    states: dict[str, str] = field(default_factory=dict)
    """By DN the sub-code with which a bind is refused: `775` whatever the password is, others after the right one."""
    meanwhile: Callable[[Request], None] = lambda request: None
    """What happens in the directory right after a search was answered."""

    # --- changing ---

    def add(self, dn: str, classes: Sequence[str], **attributes: str | Sequence[str]) -> None:
        """Add an entry; its stable id is made of its DN and the number."""
        values = {name.lower(): _octets(value) for name, value in attributes.items()}
        unique = uuid5(UUID(int=0), f"{dn} {self.number}")
        stable = unique.bytes_le if self.stable == "objectGUID" else str(unique).encode()
        self.entries[dn] = {"objectclass": _octets(classes), self.stable.lower(): [stable], **values}
        self._mark(dn)

    def modify(self, dn: str, **attributes: str | Sequence[str]) -> None:
        """Replace values."""
        self.entries[dn].update({name.lower(): _octets(value) for name, value in attributes.items()})
        self._mark(dn)

    def rename(self, dn: str, new: str) -> None:
        """Move an entry; as in Active Directory, what stands below moves along unmarked, and references follow."""
        for old in [each for each in self.entries if is_within(key(each), key(dn))]:
            moved = old[: len(old) - len(dn)] + new
            self.entries[moved] = self.entries.pop(old)
            for entry in self.entries.values():
                for name in ("member", "manager"):
                    if name in entry:
                        entry[name] = [moved.encode() if each == old.encode() else each for each in entry[name]]
        self._mark(new)

    def delete(self, dn: str) -> None:
        """Leave a tombstone."""
        entry = self.entries.pop(dn)
        kept = {name: entry[name] for name in ("objectclass", self.stable.lower())}
        grave = f"CN=was {self.number},CN=Deleted Objects,{self.context}"
        self.deleted[grave] = {**kept, "isdeleted": [b"TRUE"]}
        for group in self.entries.values():
            for name in ("member", "manager"):
                if name in group:
                    group[name] = [value for value in group[name] if value != dn.encode()]
        self._mark(grave)

    def _mark(self, dn: str) -> None:
        self.number += 1
        entry = self.entries.get(dn) or self.deleted[dn]
        entry["usnchanged"] = [str(self.number).encode()]
        self.changelog.append(entry[self.stable.lower()][0].decode("latin-1"))

    # --- answering ---

    def answer(self, request: Request) -> Iterable[bytes]:
        """Answer a search."""
        self.asked.append(request)
        answered = list(self._answer(request))
        self.meanwhile(request)
        return answered

    def bound(self, dn: str, password: bytes) -> tuple[int, str]:
        """Answer a bind as a domain controller does."""
        if not dn:
            return 0, ""
        state = self.states.get(dn, "")
        if state != "775" and self.passwords.get(dn) != password.decode():
            state = "52e" if dn in self.passwords else "525"
        if not state:
            return 0, ""
        return 49, f"80090308: LdapErr: DSID-0C09042A, comment: AcceptSecurityContext error, data {state}, v3839\0"

    def _answer(self, request: Request) -> Iterable[bytes]:
        if not request.base:
            return [self._entry(request, "", self._root()), encode_done(message_id=request.message_id)]
        if DIRSYNC in request.controls:
            return self._dirsync(request)
        found = [self._entry(request, dn, entry) for dn, entry in self._chosen(request)]
        code = 32 if not found and not self._knows(request.base) else 0
        return [*found, encode_done(code, message_id=request.message_id)]

    def _root(self) -> Attributes:
        own = {
            "namingContexts": [self.context],
            "dsServiceName": ["CN=NTDS Settings,CN=DC1"],
            "firstChangeNumber": ["1001"],
            "lastChangeNumber": [str(self.number)],
        }
        if self.stable == "objectGUID":
            own["highestCommittedUSN"] = [str(self.number)]
        return {name.lower(): _octets(values) for name, values in {**own, **self.root}.items()}

    def _chosen(self, request: Request) -> Iterator[tuple[str, Attributes]]:
        for dn, entry in self._visible(request):
            if _SCOPES[request.scope](key(dn), key(request.base)) and matches(request.whole_filter, entry):
                yield dn, entry

    def _visible(self, request: Request) -> Iterator[tuple[str, Attributes]]:
        yield from self.entries.items()
        for index, stable in enumerate(self.changelog):
            number = str(1001 + index)
            attributes = {"objectclass": [b"changeLogEntry"], "changenumber": [number.encode()]}
            yield f"changenumber={number},cn=changelog", {**attributes, "targetuniqueid": [stable.encode("latin-1")]}
        if SHOW_DELETED in request.controls:
            # Samba shows the container to everybody, whatever the account may see in it.
            yield f"CN=Deleted Objects,{self.context}", {"objectclass": [b"container"], "isdeleted": [b"TRUE"]}
            if self.sees_deleted:
                yield from self.deleted.items()

    def _knows(self, base: str) -> bool:
        known = ["cn=changelog", self.context, *self.entries]
        return any(is_within(key(dn), key(base)) for dn in known)

    def _dirsync(self, request: Request) -> Iterable[bytes]:
        if not self.may_dirsync:
            return [encode_done(50, "insufficient rights", message_id=request.message_id)]
        since = int(_cookie(request.controls[DIRSYNC]) or 0)
        everything = {**self.entries, **self.deleted}
        marked = [(int(entry["usnchanged"][0]), dn) for dn, entry in everything.items() if "usnchanged" in entry]
        changed = [
            dn for number, dn in sorted(marked) if number > since and matches(request.whole_filter, everything[dn])
        ]
        some = changed[:3]  # so that there is more to ask for
        reached = int(everything[some[-1]]["usnchanged"][0]) if changed[3:] else self.number
        found = [self._entry(request, dn, everything[dn]) for dn in some]
        control = encode_dirsync(more=bool(changed[3:]), cookie=str(reached).encode())
        return [*found, encode_done(message_id=request.message_id, controls=[encode_control(DIRSYNC, control)])]

    def _entry(self, request: Request, dn: str, entry: Mapping[str, list[bytes]]) -> bytes:
        names = {name: name.lower() for name in request.attributes}
        return encode_entry(dn, {n: entry[low] for n, low in names.items() if low in entry}, request.message_id)


def matches(element: tuple[int, bytes], entry: Mapping[str, list[bytes]]) -> bool:
    """Tell whether an entry matches a filter as it came (RFC 4511 section 4.5.1.7)."""
    tag, content = element
    if tag == PRESENT:
        return content.decode().lower() in entry
    inner = elements(content)
    if tag == AND:
        return all(matches(part, entry) for part in inner)
    if tag == OR:
        return any(matches(part, entry) for part in inner)
    if tag == NOT:
        return not matches(inner[0], entry)
    name, value = inner[0][1].decode().lower(), inner[1][1]
    values = entry.get(name, [])
    if tag == AT_LEAST:
        return any(int(each) >= int(value) for each in values)
    return any(each.lower() == value.lower() for each in values)


def _cookie(value: bytes) -> bytes:
    ((_, content),) = elements(value)
    return elements(content)[2][1]


def _octets(values: str | Sequence[str]) -> list[bytes]:
    return [value.encode() for value in ([values] if isinstance(values, str) else values)]
