"""Who owns which attribute: the table, and what becomes of those who reach for what is not theirs."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from idp.access import Actor, ActorKind
from idp.directory import Ownership, Resource
from idp.directory.ownership import RULES, NotOwner, Owner, Part, Writer, owner_by, writer_by
from idp.errors import MutabilityViolated
from idp.schema.urns import ENTERPRISE_USER, GATEHOUSE_USER
from idp.store import Store
from tests.support.clock import FakeClock
from tests.support.directory import PROVISIONER, SYSTEM, Directory, directory_over, person

CORP = "ldap:corp"
RUN = Actor(ActorKind.SYSTEM, CORP, f"{CORP} run 1")
OWNED = (("userName",), ("name", "givenName"), ("emails",), ("active",), (ENTERPRISE_USER, "department"))
UUID = "0b46a1a6-5d4c-4a3e-9d2e-6b7c8d9e0f1a"
UNBOUND = replace(PROVISIONER, id=UUID)
HR = replace(PROVISIONER, id=UUID.replace("0", "1"), name="hr", source="people")
TWIN = replace(HR, id=UUID.replace("0", "2"), name="hr2")
PAYROLL = replace(PROVISIONER, id=UUID.replace("0", "3"), name="payroll", source="pay")
ADMIN = person("boss", "root")
Change = Callable[[dict[str, Any]], dict[str, Any]]


def setting(**attributes: Any) -> Change:
    return lambda document: {**document, **attributes}


class Runs(Actor):
    """A directory's run, which is named by its source."""

    @property
    def label(self) -> str:
        return self.name


@pytest.fixture
def directory(store: Store, clock: FakeClock) -> Directory:
    """A directory of people, some of whom come from an LDAP server."""
    return directory_over(store, clock, ownership=Ownership({CORP: OWNED}))


async def from_directory(directory: Directory) -> Resource:
    document = {
        "userName": "ada",
        "name": {"givenName": "Ada"},
        "emails": [{"value": "ada@example.com"}],
        ENTERPRISE_USER: {"department": "Engines"},
    }
    return await directory.users.create(RUN, document, source=CORP)


def test_every_owner_and_writer_that_can_meet_has_a_rule() -> None:
    met = {(owner, writer) for owner in Owner for writer in Writer}
    assert met - RULES.keys() == {(Owner.DIRECTORY, Writer.OWNER)}, "no client owns a directory's people"


@pytest.mark.parametrize(
    ("source", "owner"),
    [
        ("local", Owner.NOBODY),
        ("", Owner.NOBODY),
        (f"scim:{UUID}", Owner.NOBODY),
        ("scim:people", Owner.CLIENT),
        ("ldap:corp", Owner.DIRECTORY),
    ],
)
def test_the_source_tells_whose_a_person_is(source: str, owner: Owner) -> None:
    assert owner_by(source) is owner


@pytest.mark.parametrize(
    ("actor", "source", "writer"),
    [
        (SYSTEM, "scim:people", Writer.SYSTEM),
        (ADMIN, "scim:people", Writer.PERSON),
        (UNBOUND, "scim:people", Writer.UNBOUND),
        (UNBOUND, f"scim:{UUID}", Writer.OWNER),
        (HR, "scim:people", Writer.OWNER),
        (TWIN, "scim:people", Writer.OWNER),
        (PAYROLL, "scim:people", Writer.BOUND),
        (PAYROLL, "ldap:corp", Writer.BOUND),
    ],
)
def test_as_whom_somebody_asks_depends_on_the_person(actor: Actor, source: str, writer: Writer) -> None:
    assert writer_by(actor, source) is writer


async def test_the_people_of_a_bound_client_are_changed_by_it_and_by_its_source_only(directory: Directory) -> None:
    made = await directory.users.create(HR, {"userName": "bo"})
    assert made.document[GATEHOUSE_USER]["source"] == "scim:people"
    for actor, title in ((HR, "1"), (TWIN, "2"), (ADMIN, "3"), (SYSTEM, "4")):
        changed = await directory.users.update(actor, made.id, setting(title=title))
        assert changed.document["title"] == title
    for actor in (UNBOUND, PAYROLL):
        for change in (setting(title="5"), setting(active=False), setting(password="secret")):
            with pytest.raises(NotOwner, match="scim:people"):
                await directory.users.update(actor, made.id, change)
        with pytest.raises(NotOwner):
            await directory.users.replace(actor, made.id, {"userName": "bo"})
        with pytest.raises(NotOwner):
            await directory.users.delete(actor, made.id)
    assert (await directory.users.get(PAYROLL, made.id)).document["title"] == "4", "everybody may look"
    await directory.users.delete(TWIN, made.id)


async def test_a_bound_client_leaves_alone_whom_it_did_not_make(directory: Directory) -> None:
    local = await directory.user("cy")
    with pytest.raises(NotOwner):
        await directory.users.update(HR, local.id, setting(title="x"))
    with pytest.raises(NotOwner):
        await directory.users.delete(HR, local.id)


async def test_a_client_that_was_bound_later_keeps_whom_it_made_before(directory: Directory) -> None:
    made = await directory.users.create(UNBOUND, {"userName": "di"})
    bound = replace(UNBOUND, source="later")
    assert (await directory.users.update(bound, made.id, setting(title="x"))).document["title"] == "x"


async def test_clients_that_are_bound_to_nothing_share_their_people(directory: Directory) -> None:
    made = await directory.users.create(UNBOUND, {"userName": "ed"})
    other = replace(UNBOUND, id=UUID.replace("0", "4"))
    await directory.users.update(other, made.id, setting(active=False))
    await directory.users.delete(other, made.id)


@pytest.mark.parametrize("actor", [UNBOUND, ADMIN], ids=["client", "administrator"])
@pytest.mark.parametrize(
    ("change", "path"),
    [
        (setting(userName="eve"), "userName"),
        (setting(name={"givenName": "Eve"}), "name.givenName"),
        (setting(name={}), "name.givenName"),
        (setting(emails=[]), "emails"),
        (setting(**{ENTERPRISE_USER: {"department": "Sales"}}), f"{ENTERPRISE_USER}:department"),
        (setting(password="secret"), "password"),
    ],
)
async def test_what_a_directory_maps_is_changed_there(
    directory: Directory, actor: Actor, change: Change, path: str
) -> None:
    ada = await from_directory(directory)
    with pytest.raises(MutabilityViolated) as refused:
        await directory.users.update(actor, ada.id, change)
    assert (refused.value.path, CORP in str(refused.value)) == (path, True)
    assert (await directory.users.get(SYSTEM, ada.id)).version == 1


@pytest.mark.parametrize("actor", [UNBOUND, ADMIN], ids=["client", "administrator"])
async def test_what_a_directory_does_not_map_is_anybodys(directory: Directory, actor: Actor) -> None:
    ada = await from_directory(directory)
    given = {"givenName": "Ada", "familyName": "Lovelace"}
    changed = await directory.users.update(actor, ada.id, setting(title="Dr", name=given))
    assert (changed.document["title"], changed.document["name"]) == ("Dr", given)


async def test_a_put_of_what_is_there_is_no_change_of_what_is_owned(directory: Directory) -> None:
    ada = await from_directory(directory)
    document = {**ada.document, "title": "Dr"}
    assert (await directory.users.replace(UNBOUND, ada.id, document)).document["title"] == "Dr"


async def test_anybody_entitled_switches_a_directorys_person_off_and_on_again(directory: Directory) -> None:
    ada = await from_directory(directory)
    await directory.users.update(UNBOUND, ada.id, setting(active=False))
    await directory.users.update(UNBOUND, ada.id, setting(active=True))
    await directory.users.set_active(ADMIN, ada.id, False, "on leave")
    assert (await directory.users.update(UNBOUND, ada.id, setting(active=True))).document["active"]


async def test_whom_the_directory_has_switched_off_no_client_switches_on(directory: Directory) -> None:
    ada = await from_directory(directory)
    run = Runs(ActorKind.SYSTEM, CORP, f"{CORP} run 2")
    await directory.users.set_active(run, ada.id, False, "gone from directory corp")
    with pytest.raises(MutabilityViolated, match=CORP):
        await directory.users.update(UNBOUND, ada.id, setting(active=True))
    assert (await directory.users.set_active(ADMIN, ada.id, True, "a mistake there")).document["active"]


async def test_a_directorys_person_is_deleted_by_no_client(directory: Directory) -> None:
    ada = await from_directory(directory)
    for actor in (UNBOUND, HR):
        with pytest.raises(NotOwner, match=CORP):
            await directory.users.delete(actor, ada.id)
    await directory.users.delete(ADMIN, ada.id)


async def test_a_bound_client_does_not_even_switch_off_a_directorys_person(directory: Directory) -> None:
    ada = await from_directory(directory)
    with pytest.raises(NotOwner):
        await directory.users.update(HR, ada.id, setting(active=False))


async def test_the_directory_itself_changes_everything(directory: Directory) -> None:
    ada = await from_directory(directory)
    changed = await directory.users.update(RUN, ada.id, setting(userName="eve", active=False))
    assert (changed.document["userName"], changed.document["active"]) == ("eve", False)


def test_each_part_can_be_had_by_somebody() -> None:
    assert set().union(*RULES.values()) == set(Part)
