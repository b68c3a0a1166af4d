"""Who gets a login that somebody else has: those who give one up in the same run, or are gone, make room."""

from collections import defaultdict
from collections.abc import Callable, Collection, Container, Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final, Protocol, TypeVar

from idp.query import fold
from idp.store.contract import Record
from ldap_bridge.links import Link
from ldap_bridge.mapping import Found
from ldap_bridge.parts import batched, parts
from ldap_bridge.plan import USER, Change, FieldChange, Kind, conflict, gone
from ldap_bridge.rules import Document, Path

LOGIN: Final = "userName"
_ADDRESSES: Final = "emails"


@dataclass(slots=True)
class Claim:
    """An entry whose login `holder` has, who is another account; `link` and `record` are those of its own account."""

    found: Found
    holder: str
    link: Link | None = None
    record: Record | None = None
    change: Change | None = None
    """What was planned when the claim was granted."""

    @property
    def name(self) -> str:
        """The login."""
        return self.found.name

    @property
    def own(self) -> str:
        """The account that changes its login, "" when there is none yet."""
        return self.link.resource if self.link and self.record else ""


class Wanting(Protocol):
    """Who wants a `name` that the `holder` has now, and the `own` account or group, "" when there is none yet."""

    @property
    def name(self) -> str: ...
    @property
    def holder(self) -> str: ...
    @property
    def own(self) -> str: ...


Wish = TypeVar("Wish", bound=Wanting)


def granted(claims: Sequence[Wish], leaving: Collection[str], gone: Collection[str]) -> list[Wish]:
    """Return the claims that can be met: whose holders take another name (`leaving`, or by a claim), or are gone.

    In circles everybody gets what the next one gives up. Of several who want the same name the first gets it, but
    nobody new before somebody who gives another one up for it.
    """
    first: dict[str, Wish] = {}
    for claim in sorted(claims, key=lambda claim: not claim.own):
        first.setdefault(fold(claim.name), claim)
    met = {id(claim): claim for claim in first.values()}
    moving = {claim.own: claim for claim in met.values() if claim.own}
    waiting: dict[str, list[Wish]] = defaultdict(list)
    for claim in met.values():
        waiting[claim.holder].append(claim)
    stay = [holder for holder in waiting if holder not in leaving and holder not in gone and holder not in moving]
    while stay:
        for refused in waiting.pop(stay.pop(), ()):
            met.pop(id(refused), None)
            stay.append(refused.own)
    return [claim for claim in claims if id(claim) in met]


def leaving(changes: Iterable[Change]) -> set[str]:
    """Return whoever takes another login by these changes; another spelling of the same is none."""
    return {
        change.resource
        for change in changes
        for field in change.fields
        if field.path == LOGIN and fold(str(field.old)) != fold(str(field.new))
    }


def retirement(link: Link, stored: Document, source: str, owned: Collection[Path]) -> Change:
    """Plan that somebody who is gone gives up the login, and with it the addresses that the directory gave."""
    name = str(stored[LOGIN])
    mark = blake2b(link.stable.encode(), digest_size=4).hexdigest()
    fields = [FieldChange(LOGIN, name, f"gone-{mark}.{name}")]
    if (_ADDRESSES,) in owned and stored.get(_ADDRESSES):
        fields.append(FieldChange(_ADDRESSES, stored[_ADDRESSES], None))
    change = gone(link, stored, source) or Change(Kind.RENAME, USER, name, link.dn, link.resource, link=link)
    change.fields = (*change.fields, *fields)
    change.reason = f"gone from directory {source}; the login is somebody else's now"
    return change


def of_another_account(found: Found, holder: str) -> Change:
    """Return the conflict of an entry with the account that has its login."""
    return conflict(USER, found, holder, "login", f"the login {found.name!r} belongs to another account")


def of_another_entry(found: Found, first: str) -> Change:
    """Return the conflict of an entry with one of the same read that came before it, by its DN."""
    return conflict(USER, found, "", "login", f"the login {found.name!r} is also that of {first!r}")


def in_commits(
    changes: Callable[[], Iterable[Change]], givers: Collection[str], most: int
) -> Iterator[Sequence[Change]]:
    """Cut changes, which can be gone through more than once, into lists of at most so many to be written side by side.

    Those that hand on the logins of `givers` come first and together, who gives before who takes: a commit is judged by
    what it leaves. Only a chain longer than a list is cut, in that order.
    """
    if not givers:
        yield from batched(changes(), most)
        return
    yield from _linked([change for change in changes() if _hands_on(change, givers)], most)
    yield from batched((change for change in changes() if not _hands_on(change, givers)), most)


def _hands_on(change: Change, givers: Container[str]) -> bool:
    return bool(change.takes_from) or (change.kind is not Kind.CONFLICT and change.resource in givers)


def _linked(changes: Sequence[Change], most: int) -> Iterator[Sequence[Change]]:
    commits: list[list[Change]] = [[]]
    for chain in chains(changes):
        if len(commits[-1]) + len(chain) > most and commits[-1]:
            commits.append([])
        commits[-1] += chain
    for commit in commits:
        yield from parts(commit, most)


def chains(changes: Sequence[Change]) -> Iterator[list[Change]]:
    """Yield every change once, in chains from whoever takes nothing from another change to the last taker."""
    takers = {change.takes_from: change for change in changes if change.takes_from}
    by_resource = {change.resource: change for change in changes}
    done: set[int] = set()
    for start in changes:
        if id(start) in done:
            continue
        head, seen = start, {id(start)}
        while (giver := by_resource.get(head.takes_from)) is not None and id(giver) not in seen:
            head = giver
            seen.add(id(head))
        chain: list[Change] = []
        following: Change | None = head
        while following is not None and id(following) not in done:
            done.add(id(following))
            chain.append(following)
            following = takers.get(following.resource)
        yield chain
