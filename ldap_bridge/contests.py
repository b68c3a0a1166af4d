"""Settles, once everybody is read, who gets the logins that others have: the part of planning that looks them up."""

from collections.abc import Callable, Collection, Iterable

from idp.schema import USER as USER_TYPE
from idp.store.contract import Store
from ldap_bridge.intake import Intake
from ldap_bridge.links import Link, Links
from ldap_bridge.logins import Claim, granted, leaving, of_another_account, retirement
from ldap_bridge.plan import USER, Change, Kind, Plan, disabled_beside
from ldap_bridge.rules import Path

Grant = Callable[[Claim], Change | None]


class Contests:
    """Takes in the claims of one run, and settles them."""

    def __init__(self, source: str, owned: Collection[Path], store: Store) -> None:
        self._source = source
        self._owned = owned
        self._store = store
        self._claims: list[Claim] = []
        self._leaving: set[str] = set()
        self._retired: dict[str, Change] = {}

    def add(self, claim: Claim) -> None:
        """Take a claim in."""
        self._claims.append(claim)

    def withdraw(self, shared: Collection[str]) -> None:
        """Let go of the claims of entries with these stable ids."""
        self._claims = [claim for claim in self._claims if claim.found.stable not in shared]

    @property
    def retired(self) -> Collection[str]:
        """The accounts that give up their logins because they are gone."""
        return self._retired.keys()

    async def settle(self, plan: Plan, people: Intake, grant: Grant) -> None:
        """Plan every claim that can be met by `grant`, and note conflicts for the others.

        Whom this very read has not found counts as gone only if it was complete.
        """
        if not self._claims:
            return
        self._leaving = leaving(plan.changes)
        gone = await self._gone(plan, people)
        met = granted(self._claims, self._leaving, gone)
        for claim in met:
            claim.change = grant(claim)
            if claim.change is not None:
                claim.change.takes_from = claim.holder
        # Whose entry cannot be read as it is keeps the login, and so does whoever was to pass one on to that one.
        able = [claim for claim in met if claim.change is not None]
        kept = granted(able, self._leaving, gone)
        await self._retire(plan, [gone[claim.holder] for claim in kept if claim.holder in gone])
        self._refuse_all(plan, people, _without(able, kept))
        refused = _without(self._claims, met)
        plan.changes.extend([_refuse(claim, people) for claim in refused])
        plan.changes.extend(filter(None, map(_disabled, [*_without(able, kept), *refused])))

    def refuse_takers(self, plan: Plan, people: Intake, holder: str) -> None:
        """Leave somebody with the login after all."""
        self._refuse_all(plan, people, [claim for claim in self._claims if claim.holder == holder])

    def take_back(self, plan: Plan, people: Intake) -> None:
        """After groups that were not read whole, leave with their logins those whom no earlier run has found gone."""
        unproven = {holder for holder, change in self._retired.items() if change.kind is Kind.DISABLE}
        if not unproven:
            return
        plan.changes.revise_of(lambda one: None if one.resource in unproven else one, Kind.DISABLE, subject=USER)
        still = granted(self._claims, self._leaving, self._retired.keys() - unproven)
        self._refuse_all(plan, people, _without(self._claims, still))

    def _refuse_all(self, plan: Plan, people: Intake, claims: Iterable[Claim]) -> None:
        """Put conflicts in the place of what was planned for claims that were granted."""
        granted_ones = {claim.change.resource: claim for claim in claims if claim.change is not None}

        def refused(change: Change) -> Change:
            claim = granted_ones.get(change.resource) if change.takes_from else None
            return _refuse(claim, people) if claim else change

        if granted_ones:
            plan.changes.revise_of(refused, subject=USER)

    async def _gone(self, plan: Plan, people: Intake) -> dict[str, Link]:
        links = await Links(self._store, self._source).of_resources({claim.holder for claim in self._claims})
        return {
            link.resource: link
            for link in links
            if link.kind == USER
            and not people.has_seen(link.stable)
            and (link.gone or (plan.complete and link.stable in people.links))
        }

    async def _retire(self, plan: Plan, links: Collection[Link]) -> None:
        stored = await self._store.get_many(USER_TYPE.collection, [link.resource for link in links])
        for link in links:
            if record := stored.get(link.resource):
                change = retirement(link, record.document, self._source, self._owned)
                self._retired[link.resource] = change
                plan.changes.append(change)


def _without(claims: Iterable[Claim], some: Iterable[Claim]) -> list[Claim]:
    """Return the claims that are none of those."""
    those = {id(claim) for claim in some}
    return [claim for claim in claims if id(claim) not in those]


def _refuse(claim: Claim, people: Intake) -> Change:
    if claim.own:
        people.register(claim.found, claim.own)
    elif claim.change is not None:
        people.forget(claim.found, claim.change.resource)
    return of_another_account(claim.found, claim.holder)


def _disabled(claim: Claim) -> Change | None:
    if claim.link is None or claim.record is None:
        return None
    return disabled_beside(claim.found, claim.link, claim.record.document)
