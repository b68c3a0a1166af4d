"""Sorts what is read by its stable id: new, changed, or as it was; and remembers who can be meant by a reference."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from idp.words import counted
from ldap_bridge.dn import key_or_text
from ldap_bridge.links import Link
from ldap_bridge.mapping import Found, Mapped, Problem, login_ref
from ldap_bridge.plan import is_same


@dataclass(slots=True)
class Sorted:
    """One batch, sorted. What is as it was is not kept."""

    new: list[Found] = field(default_factory=list)
    changed: list[tuple[Found, Link]] = field(default_factory=list)


class Intake:
    """Takes in people, or groups, of one read."""

    def __init__(self, links: Iterable[Link], *, whole: bool = True) -> None:
        """Take the links of what is expected; `whole` says that they are all that there are."""
        self.links = {link.stable: link for link in links}
        self.refs: dict[str, str] = {}
        """Ids by what members are named by: DN keys, and logins with a colon before them."""
        self.belonging: dict[str, list[str]] = defaultdict(list)
        """By a group's DN key, the ids of those who say that they belong to it (memberOf)."""
        self.bosses: dict[str, str] = {}
        """The DN keys by which people name their managers, by their own stable ids."""
        self.problems: list[Problem] = []
        self.count = 0
        self.whole = whole
        self.shared: set[str] = set()
        """Stable ids that several entries have: nobody can tell whose the account is."""
        self._seen: dict[str, str] = {}
        self._shared_by: set[str] = set()

    def sort(self, mapped: Mapped) -> Sorted:
        """Sort a batch; entries with a stable id that another entry has are problems."""
        for problem in mapped.problems:
            self._problem(problem)
        batch = Sorted()
        for found in mapped.found:
            if found.stable in self._seen:
                self._share(found)
                continue
            self._seen[found.stable] = found.dn
            self.count += 1
            link = self.links.get(found.stable)
            if link is None:
                batch.new.append(found)
            elif is_same(found, link):
                self.register(found, link.resource)
            else:
                batch.changed.append((found, link))
        return batch

    def expect(self, links: Iterable[Link]) -> None:
        """Take further links before their entries come."""
        for link in links:
            self.links.setdefault(link.stable, link)

    def register(self, found: Found, resource: str) -> None:
        """Say which id an entry has."""
        self.refs[found.dn_key] = resource
        self.refs[login_ref(found.name)] = resource
        if found.alias:
            self.refs.setdefault(login_ref(found.alias), resource)
        if found.boss:
            self.bosses[found.stable] = found.boss
        for group in found.groups:
            self.belonging[group].append(resource)

    def forget(self, found: Found, resource: str) -> None:
        """Take back that an entry has this id."""
        for ref in (found.dn_key, login_ref(found.name)):
            if self.refs.get(ref) == resource:
                del self.refs[ref]

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
        return (
            link
            for stable, link in self.links.items()
            if stable not in self._seen and link.dn_key not in self._shared_by
        )

    @property
    def gaps(self) -> list[str]:
        """Why what was not seen may be there all the same."""
        found = []
        if unknown := sum(not problem.stable for problem in self.problems):
            found.append(f"{counted(unknown, 'entry', 'entries')} could not be identified")
        if self.whole and self.links and not self._seen and any(not link.gone for link in self.links.values()):
            found.append("not a single one was found")
        return found

    def _problem(self, problem: Problem) -> None:
        self.problems.append(problem)
        if problem.stable:
            self._seen.setdefault(problem.stable, problem.dn)
            self._keep_known(problem.stable)

    def _share(self, found: Found) -> None:
        first = self._seen[found.stable]
        self.problems.append(Problem(found.dn, f"has the stable id {found.stable} of {first!r}", found.stable))
        # One entry may come twice, out of bases that overlap: it shares its id with nobody.
        if (first_key := key_or_text(first)) != found.dn_key:
            self.shared.add(found.stable)
            self._shared_by |= {found.dn_key, first_key}

    def _keep_known(self, stable: str) -> None:
        if link := self.links.get(stable):
            # Whoever cannot be mapped today is still a member of the groups.
            self.refs[link.dn_key] = link.resource
