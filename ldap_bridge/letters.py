"""Letters to administrators about directories that need them."""

from collections.abc import Sequence
from typing import Final

from idp.access import ROLES, Area, Verb
from idp.auth.people import greeting_of, is_active, mail_of
from idp.directory import Resource
from idp.mail import Mailer
from idp.mail.messages import directory_trouble
from idp.query import In, Query
from idp.schema import USER
from idp.schema.urns import GATEHOUSE_USER
from idp.store.contract import Store, Write
from ldap_bridge.health import Standing
from ldap_bridge.runs import Run

_ROLES: Final = tuple(name for name, role in ROLES.items() if Verb.READ in role.grants.get(Area.DIRECTORIES, ()))
# Where more people than these look after directories, one of them will tell the others.
_MOST: Final = 20
_ADMINISTRATORS: Final = Query(In(USER.resolve(f"{GATEHOUSE_USER}:role").field, _ROLES), limit=_MOST, total=False)


class AdministratorLetters:
    """Writes to everybody whose role shows directories, as far as they have an address."""

    def __init__(self, store: Store, mailer: Mailer) -> None:
        self._store = store
        self._mailer = mailer

    async def about(self, run: Run, standing: Standing) -> Sequence[Write]:
        """Return the writes that queue a letter to each of them."""
        people = [Resource.of(record) for record in (await self._store.find(USER.collection, _ADMINISTRATORS)).records]
        known = [(to, person) for person in people if is_active(person) and (to := mail_of(person))]
        return [
            self._mailer.queue(
                directory_trouble(to, greeting_of(person), run.source, standing.health, run.reason, run.id)
            )
            for to, person in known
        ]
