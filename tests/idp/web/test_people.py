"""A user as pages show one."""

from typing import Any

from idp.schema import USER
from idp.schema.urns import ENTERPRISE_USER, GATEHOUSE_USER
from idp.web.people import Fact, facts, person

ADA: dict[str, Any] = {
    "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User", ENTERPRISE_USER],
    "id": "1",
    "userName": "ada",
    "name": {"givenName": "Ada", "familyName": "Lovelace"},
    "emails": [{"value": "home@example.net"}, {"value": "ada@example.org", "type": "work", "primary": True}],
    "active": True,
    "meta": {"created": "2026-01-01T00:00:00Z", "lastModified": "2026-02-01T00:00:00Z"},
    ENTERPRISE_USER: {"department": "Engines", "manager": {"value": "7", "displayName": "Charles"}},
}


def test_a_person_is_called_by_the_best_name_there_is() -> None:
    names = [
        person({**ADA, "displayName": "Countess"}).name,
        person(ADA).name,
        person({"id": "1", "userName": "ada"}).name,
    ]
    assert names == ["Countess", "Ada Lovelace", "ada"]


def test_the_primary_address_comes_before_the_first() -> None:
    assert person(ADA).mail == "ada@example.org"
    assert person({**ADA, "emails": ADA["emails"][:1]}).mail == "home@example.net"
    assert person({"id": "1", "userName": "ada"}).mail == ""
    assert person({**ADA, "emails": [{"type": "work"}, *ADA["emails"][:1]]}).mail == "home@example.net"


def test_without_our_extension_a_person_is_a_local_user() -> None:
    ada = person(ADA)
    assert (ada.role, ada.source) == ("user", "local")


def test_role_source_and_state_come_from_our_extension() -> None:
    own = {"role": "admin", "source": "ldap:corp", "status": {"reason": "left"}}
    ada = person({**ADA, "active": False, GATEHOUSE_USER: own})
    assert (ada.role, ada.source, ada.status, ada.active) == ("admin", "ldap:corp", {"reason": "left"}, False)


def test_attributes_are_listed_in_the_order_of_their_declarations_with_those_of_extensions_last() -> None:
    shown = facts(USER, ADA)
    assert shown[0] == Fact("User name", ("ada",))
    assert Fact("Name", ("Ada Lovelace",)) in shown
    assert Fact("Emails", ("home@example.net", "ada@example.org (work, primary)")) in shown
    assert shown[-2:] == [Fact("Department", ("Engines",)), Fact("Manager", ("Charles",))]


def test_nothing_empty_or_internal_is_listed() -> None:
    own = {"role": "admin", "source": "ldap:corp"}
    names = {fact.name for fact in facts(USER, {**ADA, "title": "", "phoneNumbers": [], GATEHOUSE_USER: own})}
    assert names.isdisjoint({"Title", "Phone numbers", "Id", "Meta", "Schemas", "Active", "Role", "Source"})
