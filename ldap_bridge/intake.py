"""Sorts what is read by its stable id: new, changed, or as it was; and remembers who can be meant by a reference."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from idp.words import counted
from ldap_bridge.chains import Chains
from ldap_bridge.dn import key_or_text
from ldap_bridge.links import Link
from ldap_bridge.mapping import Found, Mapped, Problem, login_ref
from ldap_bridge.plan import is_same
from ldap_bridge.shelf import Shelf


@dataclass(slots=True)
class Sorted:
    """One batch, sorted. What is as it was is not kept."""

    new: list[Found] = field(default_factory=list)
    changed: list[tuple[Found, Link]] = field(default_factory=list)


class Intake:
    """Takes in people, or groups, of one read. What it remembers of each of them is on shelves, not in memory."""

    def __init__(self, links: Iterable[Link], *, whole: bool = True) -> None:
        """Take the links of what is expected; `whole` says that they are all that there are."""
        self.links = Shelf(Link)
        self.refs = Shelf(str)
        """Ids by what members are named by: DN keys, and logins with a colon before them."""
        self.belonging = Chains()
        """By a group's DN key, the ids of those who say that they belong to it (memberOf)."""
        self.bosses = Shelf(str)
        """The DN keys by which people name their managers, by their own stable ids."""
        self.problems: list[Problem] = []
        self.count = 0
        self.whole = whole
        self.shared: set[str] = set()
        """Stable ids that several entries have: nobody can tell whose the account is."""
        self._seen = Shelf(str)
        self.expected = 0
        """How many links were taken."""
        self._met = 0
        self._shared_by: set[str] = set()
        self.expect(links)

    def sort(self, mapped: Mapped) -> Sorted:
        """Sort a batch; entries with a stable id that another entry has are problems."""
        for problem in mapped.problems:
            self._problem(problem)
        batch = Sorted()
        for found in mapped.found:
            if (first := self._seen.add(found.stable, found.dn)) is not None:
                self._share(found, first)
                continue
            self.count += 1
            link, found.link = found.link or self.links.get(found.stable), None
            if link is None:
                batch.new.append(found)
                continue
            self._met += 1
            if is_same(found, link):
                self.register(found, link.resource)
            else:
                batch.changed.append((found, link))
        return batch

    def expect(self, links: Iterable[Link]) -> None:
        """Take further links before their entries come."""
        for link in links:
            if self.links.add(link.stable, link) is None:
                self.expected += 1

    def register(self, found: Found, resource: str) -> None:
        """Say which id an entry has."""
        self.refs.put(found.dn_key, resource)
        self.refs.put(login_ref(found.name), resource)
        if found.alias:
            self.refs.add(login_ref(found.alias), resource)
        if found.boss:
            self.bosses.put(found.stable, found.boss)
        for group in found.groups:
            self.belonging.add(group, resource)

    def forget(self, found: Found, resource: str) -> None:
        """Take back that an entry has this id."""
        for ref in (found.dn_key, login_ref(found.name)):
            if self.refs.get(ref) == resource:
                self.refs.remove(ref)

    def withdraw(self, found: Found, resource: str) -> None:
        """Take back an entry, of this id so far, that turned out to share its stable id."""
        self.forget(found, resource)
        self.problems.append(Problem(found.dn, f"shares the stable id {found.stable}", found.stable))
        self._keep_known(found.stable)

    def has_seen(self, stable: str) -> bool:
        """Tell whether the entry of this stable id has come, be it as a problem."""
        return stable in self._seen

    def unseen(self) -> Iterator[Link]:
        """Yield the links whose entries have not come; where one stands that took another's stable id, it has."""
        if self._met == self.expected:
            return
        for stable, link in self.links.items():
            if stable not in self._seen and link.dn_key not in self._shared_by:
                yield link

    @property
    def gaps(self) -> list[str]:
        """Why what was not seen may be there all the same."""
        found = []
        if unknown := sum(not problem.stable for problem in self.problems):
            found.append(f"{counted(unknown, 'entry', 'entries')} could not be identified")
        if self.whole and not self._seen and any(not link.gone for link in self.links.values()):
            found.append("not a single one was found")
        return found

    def _problem(self, problem: Problem) -> None:
        self.problems.append(problem)
        if problem.stable:
            if self._seen.add(problem.stable, problem.dn) is None and problem.stable in self.links:
                self._met += 1
            self._keep_known(problem.stable)

    def _share(self, found: Found, first: str) -> None:
        self.problems.append(Problem(found.dn, f"has the stable id {found.stable} of {first!r}", found.stable))
        # One entry may come twice, out of bases that overlap: it shares its id with nobody.
        if (first_key := key_or_text(first)) != found.dn_key:
            self.shared.add(found.stable)
            self._shared_by |= {found.dn_key, first_key}

    def _keep_known(self, stable: str) -> None:
        if link := self.links.get(stable):
            # Whoever cannot be mapped today is still a member of the groups.
            self.refs.put(link.dn_key, link.resource)
