"""What the service for users promises."""

import asyncio
from typing import Any

import pytest

from idp.access import ANONYMOUS
from idp.directory import LastRoot, PeopleRules, Resource
from idp.errors import InvalidValue, NotFound, NotUnique, PermissionDenied, VersionMismatch
from idp.query import Compare, Op, Query
from idp.schema import USER
from idp.schema.urns import ENTERPRISE_USER, GATEHOUSE_USER
from idp.schema.urns import USER as USER_URN
from idp.store import Insert, Store
from tests.support.directory import PROVISIONER, SYSTEM, Directory, directory_over, everything, person, record_of
from tests.support.faulty_store import FaultyStore


def with_title(title: str) -> Any:
    return lambda document: {**document, "title": title}


async def test_a_new_user_is_stored_as_it_was_asked_for(directory: Directory) -> None:
    made = await directory.users.create(
        SYSTEM, {"username": "Ada", "name": {"familyName": "Lovelace"}, ENTERPRISE_USER: {"department": "Engines"}}
    )
    stored = await directory.users.get(SYSTEM, made.id)
    assert stored == made
    assert stored.document == {
        "schemas": [USER_URN, ENTERPRISE_USER, GATEHOUSE_USER],
        "id": made.id,
        "userName": "Ada",
        "name": {"familyName": "Lovelace"},
        ENTERPRISE_USER: {"department": "Engines"},
        "active": True,
        GATEHOUSE_USER: {"source": "local", "role": "user"},
        "meta": {
            "resourceType": "User",
            "created": "2026-03-11T09:26:53.589Z",
            "lastModified": "2026-03-11T09:26:53.589Z",
        },
    }


async def test_a_password_becomes_a_credential_and_is_nowhere_else(directory: Directory, store: Store) -> None:
    made = await directory.user("ada", password="analytical engine")
    assert "analytical engine" not in repr(made)
    assert await everything(store, "credentials") == [{"id": made.id, "length": 17}]
    assert "analytical engine" not in repr(await everything(store, "users") + await everything(store, "audit"))


async def test_a_refused_password_makes_no_user(directory: Directory, store: Store) -> None:
    with pytest.raises(InvalidValue, match="password"):
        await directory.user("ada", password="abc")
    assert await everything(store, "users") == []


async def test_login_names_are_unique_whatever_their_case(directory: Directory, store: Store) -> None:
    await directory.user("Ada")
    with pytest.raises(NotUnique) as caught:
        await directory.user("aDA")
    assert caught.value.attribute == "userName"
    assert len(await everything(store, "audit")) == 1


async def test_the_source_tells_where_an_account_comes_from(directory: Directory) -> None:
    by_client = await directory.users.create(PROVISIONER, {"userName": "ada"})
    by_directory = await directory.users.create(SYSTEM, {"userName": "bob"}, source="ldap:corp")
    sources = [user.document[GATEHOUSE_USER]["source"] for user in (by_client, by_directory)]
    assert sources == ["scim:client-1", "ldap:corp"]


async def test_an_update_moves_version_and_last_modified_and_leaves_an_event(directory: Directory) -> None:
    made = await directory.user("ada")
    directory.clock.advance(5)
    changed = await directory.users.update(SYSTEM, made.id, with_title("Countess"))
    assert (changed.version, changed.document["title"]) == (2, "Countess")
    assert changed.document["meta"]["created"] == made.document["meta"]["created"]
    assert changed.document["meta"]["lastModified"] == "2026-03-11T09:26:58.589Z"
    assert await directory.users.get(SYSTEM, made.id) == changed
    created, updated = await directory.events(made.id)
    assert (created["tag"], updated["tag"]) == ("directory:user:created", "directory:user:updated")
    assert updated["details"] == {"userName": "ada", "fields": ["title"]}
    assert updated["actor"] == "test"


async def test_an_update_without_a_difference_writes_nothing(directory: Directory) -> None:
    made = await directory.user("ada", title="Countess", emails=[{"value": "ada@example.com", "primary": True}])
    directory.clock.advance(5)
    same = await directory.users.update(
        SYSTEM, made.id, lambda document: {**document, "NickName": None, "phoneNumbers": [], "title": "Countess"}
    )
    assert same == made
    assert len(await directory.events()) == 1


async def test_extra_writes_go_with_the_change_or_alone(directory: Directory, store: Store) -> None:
    link = {"id": "corp:1", "source": "corp", "resource": "x"}
    made = await directory.users.create(SYSTEM, {"userName": "ada"}, extra=[Insert("ldap_links", link)])
    with pytest.raises(NotUnique):
        await directory.users.update(SYSTEM, made.id, with_title("x"), extra=[Insert("ldap_links", link)])
    assert (await directory.users.get(SYSTEM, made.id)).version == 1
    again = {**link, "id": "corp:2"}
    unchanged = await directory.users.update(SYSTEM, made.id, lambda same: same, extra=[Insert("ldap_links", again)])
    assert unchanged.version == 1
    assert len(await everything(store, "ldap_links")) == 2


async def test_a_change_may_tear_its_copy_apart(directory: Directory) -> None:
    made = await directory.user("ada", emails=[{"value": "ada@example.com"}])

    def ruin(document: dict[str, Any]) -> dict[str, Any]:
        document["emails"][0].clear()
        raise InvalidValue("emails", "no")

    with pytest.raises(InvalidValue):
        await directory.users.update(SYSTEM, made.id, ruin)
    assert await directory.users.get(SYSTEM, made.id) == made


async def test_a_change_made_in_place_counts(directory: Directory) -> None:
    made = await directory.user("ada", emails=[{"value": "ada@example.com"}])

    def in_place(document: dict[str, Any]) -> dict[str, Any]:
        document["emails"][0]["value"] = "countess@example.com"
        return document

    changed = await directory.users.update(SYSTEM, made.id, in_place)
    assert (changed.version, changed.document["emails"]) == (2, [{"value": "countess@example.com"}])


async def test_read_only_values_outlive_whatever_the_caller_sends(directory: Directory) -> None:
    made = await directory.user("ada")
    forged = {"id": "other", "meta": {"created": "1970-01-01T00:00:00Z"}, GATEHOUSE_USER: {"role": "root"}}
    changed = await directory.users.update(SYSTEM, made.id, lambda document: {**document, **forged, "title": "x"})
    assert changed.document["id"] == made.id
    assert changed.document["meta"]["created"] == made.document["meta"]["created"]
    assert changed.document[GATEHOUSE_USER] == {"source": "local", "role": "user"}


async def test_a_replacement_clears_what_it_does_not_mention_but_never_enables(directory: Directory) -> None:
    made = await directory.user("ada", title="Countess", externalId="x", active=False)
    replaced = await directory.users.replace(SYSTEM, made.id, {"userName": "ada", "nickName": "A"})
    assert not {"title", "externalId"} & replaced.document.keys()
    assert replaced.document["nickName"] == "A"
    assert replaced.document["active"] is False
    assert replaced.document[GATEHOUSE_USER]["source"] == "local"


async def test_a_stale_version_changes_nothing(directory: Directory) -> None:
    made = await directory.user("ada")
    await directory.users.update(SYSTEM, made.id, with_title("first"), expected_version=1)
    for attempt in (
        directory.users.update(SYSTEM, made.id, with_title("second"), expected_version=1),
        directory.users.replace(SYSTEM, made.id, {"userName": "eve"}, expected_version=1),
        directory.users.delete(SYSTEM, made.id, expected_version=1),
    ):
        with pytest.raises(VersionMismatch):
            await attempt
    assert (await directory.users.get(SYSTEM, made.id)).document["title"] == "first"


async def test_a_stale_version_is_not_tried_again(directory: Directory) -> None:
    made = await directory.user("ada")
    counting = FaultyStore(directory.store)
    with pytest.raises(VersionMismatch):
        await directory_over(counting, directory.clock).users.update(
            SYSTEM, made.id, with_title("x"), expected_version=2
        )
    assert counting.calls == 1


async def test_updates_at_the_same_time_all_count(directory: Directory) -> None:
    made = await directory.user("ada")

    def with_phone(number: int) -> Any:
        return lambda document: {
            **document,
            "phoneNumbers": [*document.get("phoneNumbers", []), {"value": str(number)}],
        }

    await asyncio.gather(*(directory.users.update(SYSTEM, made.id, with_phone(number)) for number in range(32)))
    found = await directory.users.get(SYSTEM, made.id)
    assert sorted(int(phone["value"]) for phone in found.document["phoneNumbers"]) == list(range(32))
    assert found.version == 33


async def test_switching_off_says_why_and_ends_sessions(directory: Directory, store: Store) -> None:
    made = await directory.user("ada")
    await store.commit([Insert("sessions", {"id": "s", "user": made.id, "expires": "2027-01-01T00:00:00Z"})])
    off = await directory.users.set_active(SYSTEM, made.id, False, "gone from directory corp")
    assert off.document["active"] is False
    assert off.document[GATEHOUSE_USER]["status"] == {
        "reason": "gone from directory corp",
        "since": "2026-03-11T09:26:53.589Z",
        "by": "system:test",
    }
    assert await store.get("sessions", "s") is None
    assert [event["tag"] for event in await directory.events(made.id)][-1] == "directory:user:disabled"
    on = await directory.users.update(PROVISIONER, made.id, lambda document: {**document, "active": True})
    assert on.document[GATEHOUSE_USER]["status"]["by"] == "client:hr"


async def test_a_deleted_user_leaves_nothing_behind(directory: Directory, store: Store) -> None:
    ada, bob = await directory.user("ada"), await directory.user("bob")
    group = await directory.group("staff", ada, bob)
    await store.commit([Insert("sessions", {"id": "s", "user": ada.id, "expires": "2027-01-01T00:00:00Z"})])
    directory.clock.advance(1)
    await directory.users.delete(SYSTEM, ada.id)
    with pytest.raises(NotFound):
        await directory.users.get(SYSTEM, ada.id)
    assert await store.get("sessions", "s") is None
    assert await directory.members(group) == [bob.id]
    moved = await directory.groups.get(SYSTEM, group.id)
    assert moved.version == 2
    assert moved.document["meta"]["lastModified"] == "2026-03-11T09:26:54.589Z"
    assert await directory.user("ada") is not None


async def test_many_deletions_at_once_move_their_common_group_by_one_each(directory: Directory) -> None:
    people = [await directory.user() for _ in range(24)]
    group = await directory.group("staff", *people)
    await asyncio.gather(*(directory.users.delete(SYSTEM, user.id) for user in people))
    assert await directory.members(group) == []
    assert (await directory.groups.get(SYSTEM, group.id)).version == 25


@pytest.mark.parametrize("name", ["o'brien@example.com", "a+b@example.com", "x/y", "Ünïcode"])
async def test_feature_09_provisioned_names_are_taken_as_they_are(directory: Directory, name: str) -> None:
    made = await directory.users.create(PROVISIONER, {"userName": name})
    assert made.document["userName"] == name


@pytest.mark.parametrize("sign", list("/\\[]:;|=+*?<>\",&{}()'%"))
async def test_feature_09_names_made_here_hold_no_reserved_sign(directory: Directory, sign: str) -> None:
    with pytest.raises(InvalidValue, match="userName: may not hold"):
        await directory.user(f"a{sign}b")


async def test_feature_09_one_setting_makes_the_strict_rule_hold_everywhere(directory: Directory) -> None:
    strict = directory_over(directory.store, directory.clock, rules=PeopleRules(strict_names=True)).users
    with pytest.raises(InvalidValue, match="userName: may not hold '"):
        await strict.create(PROVISIONER, {"userName": "o'brien"})
    made = await directory.users.create(PROVISIONER, {"userName": "o'brien"})
    assert (await strict.update(PROVISIONER, made.id, with_title("x"))).version == 2
    with pytest.raises(InvalidValue, match="userName"):
        await strict.update(PROVISIONER, made.id, lambda old: {**old, "userName": "o'hara"})


@pytest.mark.parametrize("name", [" ada", "ada ", "a\tb", "a\x7f", "  "])
async def test_feature_09_blanks_around_and_control_characters_are_refused_from_everybody(
    directory: Directory, name: str
) -> None:
    with pytest.raises(InvalidValue, match="userName"):
        await directory.users.create(PROVISIONER, {"userName": name})


async def test_a_login_means_a_user_name_or_the_only_one_with_an_address(directory: Directory) -> None:
    ada = await directory.user("ada", emails=[{"value": "ada@example.com"}, {"value": "Shared@example.com"}])
    bob = await directory.user("bob", emails=[{"value": "shared@example.com"}])
    named = await directory.user("shared@EXAMPLE.com")
    found = {
        login: await directory.users.by_login(login) for login in ("ADA", "Ada@Example.com", "shared@example.com", "")
    }
    assert found == {"ADA": ada, "Ada@Example.com": ada, "shared@example.com": named, "": None}
    await directory.users.delete(SYSTEM, named.id)
    assert await directory.users.by_login("shared@example.com") is None
    assert await directory.users.by_login("x" * 10_000) is None
    assert bob.id != ada.id


async def test_the_last_active_root_stays(directory: Directory) -> None:
    root = await directory.users.create(SYSTEM, {"userName": "root"}, role="root")
    await directory.users.create(SYSTEM, {"userName": "off", "active": False}, role="root")
    for attempt in (
        directory.users.delete(SYSTEM, root.id),
        directory.users.set_active(SYSTEM, root.id, False, "x"),
        directory.users.assign_role(SYSTEM, root.id, "admin"),
        directory.users.replace(SYSTEM, root.id, {"userName": "root", "active": False}),
    ):
        with pytest.raises(LastRoot, match="last active root"):
            await attempt
    await directory.users.update(SYSTEM, root.id, with_title("still here"))


async def test_two_roots_cannot_send_each_other_away_at_once(directory: Directory) -> None:
    roots = [await directory.users.create(SYSTEM, {"userName": f"root{n}"}, role="root") for n in range(4)]
    outcomes = await asyncio.gather(
        *(directory.users.set_active(SYSTEM, root.id, False, "x") for root in roots), return_exceptions=True
    )
    assert [type(outcome) for outcome in outcomes if not isinstance(outcome, Resource)] == [LastRoot]
    active = Compare(USER.resolve("active").field, Op.EQ, True)
    assert (await directory.users.find(SYSTEM, Query(active))).total == 1


async def test_roles_are_given_from_above(directory: Directory) -> None:
    user = await directory.user("ada")
    admin = person("admin-1", "admin")
    assert (await directory.users.assign_role(admin, user.id, "developer")).version == 2
    for actor, role in ((admin, "admin"), (person("x", "developer"), "user"), (person(user.id), "root")):
        with pytest.raises(PermissionDenied):
            await directory.users.assign_role(actor, user.id, role)
    with pytest.raises(InvalidValue, match="role: 'king' is none of user, developer, admin, root"):
        await directory.users.assign_role(SYSTEM, user.id, "king")
    event = (await directory.events(user.id))[-1]
    assert (event["tag"], event["details"]["role"]) == ("directory:user:role-assigned", "developer")


async def test_the_second_factor_policy_of_a_user_can_be_set_and_taken_back(directory: Directory) -> None:
    user = await directory.user("ada")
    required = await directory.users.set_mfa_policy(SYSTEM, user.id, "required")
    assert required.document[GATEHOUSE_USER]["mfa"] == "required"
    assert "mfa" not in (await directory.users.set_mfa_policy(SYSTEM, user.id, None)).document[GATEHOUSE_USER]
    with pytest.raises(PermissionDenied):
        await directory.users.set_mfa_policy(person(user.id), user.id, "off")


async def test_people_change_about_themselves_what_is_theirs_to_say(directory: Directory) -> None:
    ada, bob = await directory.user("ada"), await directory.user("bob")
    changed = await directory.users.update(person(ada.id), ada.id, lambda old: {**old, "displayName": "Ada"})
    assert changed.document["displayName"] == "Ada"
    for victim, attribute, value in (
        (ada, "userName", "eve"),
        (ada, "emails", [{"value": "eve@example.com"}]),
        (ada, "active", False),
        (ada, "password", "a new password"),
        (bob, "displayName", "Eve"),
    ):
        with pytest.raises(PermissionDenied):
            await directory.users.update(
                person(ada.id),
                victim.id,
                lambda old, a=attribute, v=value: {**old, a: v},  # type: ignore[misc] # a lambda's defaults
            )


async def test_a_client_does_not_reach_the_people_who_could_revoke_it(directory: Directory) -> None:
    root = await directory.users.create(SYSTEM, {"userName": "root"}, role="root")
    for attempt in (
        directory.users.update(PROVISIONER, root.id, with_title("x")),
        directory.users.update(PROVISIONER, root.id, lambda old: {**old, "password": "a new password"}),
        directory.users.delete(PROVISIONER, root.id),
    ):
        with pytest.raises(PermissionDenied):
            await attempt


async def test_strangers_see_and_do_nothing(directory: Directory) -> None:
    ada = await directory.user("ada")
    nobody = ANONYMOUS("192.0.2.1")
    users = directory.users
    for attempt in (
        users.create(nobody, {"userName": "eve"}),
        users.get(nobody, ada.id),
        users.find(nobody, Query()),
        users.update(nobody, ada.id, with_title("x")),
        users.replace(nobody, ada.id, {"userName": "x"}),
        users.delete(nobody, ada.id),
        users.assign_role(nobody, ada.id, "root"),
        users.set_mfa_policy(nobody, ada.id, "off"),
        users.set_active(nobody, ada.id, False, "x"),
        users.update(nobody, "unknown", with_title("x")),
    ):
        with pytest.raises(PermissionDenied):
            await attempt
    assert await users.get(SYSTEM, ada.id) == ada


async def test_unknown_users_and_unfit_values_are_told_apart(directory: Directory) -> None:
    with pytest.raises(NotFound):
        await directory.users.update(SYSTEM, "unknown", with_title("x"))
    made = await directory.user("ada")
    with pytest.raises(InvalidValue, match=r"emails\[0\]\.primary"):
        await directory.users.update(SYSTEM, made.id, lambda old: {**old, "emails": [{"primary": "yes"}]})
    assert (await record_of(directory.store, "users", made.id)).version == 1


@pytest.mark.parametrize("address", ["", "ada", "@example.com", "ada@", "a da@example.com", "ada@exa\nmple.com"])
async def test_an_account_made_here_has_an_address_that_mail_can_be_sent_to(directory: Directory, address: str) -> None:
    with pytest.raises(InvalidValue, match="emails: is not a mail address"):
        await directory.user("ada", emails=[{"value": address}])


async def test_an_account_provisioned_from_elsewhere_keeps_the_address_it_came_with(directory: Directory) -> None:
    made = await directory.users.create(PROVISIONER, {"userName": "ada", "emails": [{"value": "ada"}]})
    assert made.document["emails"] == [{"value": "ada"}]


@pytest.mark.parametrize("active", [True, False])
async def test_people_do_not_switch_themselves_on_or_off_whatever_they_are(directory: Directory, active: bool) -> None:
    ada = await directory.user("ada")
    with pytest.raises(PermissionDenied):
        await directory.users.set_active(person(ada.id), ada.id, active, "because")
    after = await directory.users.set_active(person(ada.id, "root"), ada.id, active, "because")
    assert after.document["active"] is active
