"""Entries become people and groups by the table of their source."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from msgspec.structs import replace

from idp.errors import ConfigError
from idp.schema import USER, validate
from idp.schema.urns import ENTERPRISE_USER
from ldap_bridge.entries import Entry
from ldap_bridge.links import Link
from ldap_bridge.mapping import Found, Mapper, Problem, login_ref, merged
from ldap_bridge.settings import parse

NOW = datetime(2026, 6, 1, tzinfo=UTC)
UUID_TEXT = "12345678-9abc-4def-8123-456789abcdef"
ADA = {
    "uid": [b"ada"],
    "entryuuid": [UUID_TEXT.upper().encode()],
    "cn": [b"Ada Lovelace"],
    "givenname": [b"Ada"],
    "sn": [b"Lovelace"],
    "mail": [b"Ada@Example.org", b"lovelace@example.org", b"ada@example.org"],
    "title": [b"Countess", b"Mathematician"],
    "telephonenumber": [b"+44 1"],
    "mobile": [b"+44 2"],
    "street": [b"St James's Square"],
    "l": [b"London"],
    "departmentnumber": [b"Engines"],
}
DN = "uid=ada,ou=People,dc=example"


def mapper(preset: str = "openldap", **settings: Any) -> Mapper:
    """The compiled mapping of a source."""
    return Mapper(parse("corp", {"url": "ldap://localhost", "base": "dc=example", "preset": preset, **settings}))


def person(attributes: dict[str, list[bytes]], *, dn: str = DN, using: Mapper | None = None) -> Found:
    """Map one person that is right."""
    mapped = (using or mapper()).people(NOW, [Entry(dn, attributes)])
    assert mapped.problems == []
    (found,) = mapped.found
    return found


def problem(attributes: dict[str, list[bytes]], *, dn: str = DN, using: Mapper | None = None) -> Problem:
    """Map one person that is wrong."""
    mapped = (using or mapper()).people(NOW, [Entry(dn, attributes)])
    assert mapped.found == []
    (found,) = mapped.problems
    return found


def test_an_openldap_person_becomes_a_scim_user() -> None:
    found = person(ADA)
    assert (found.stable, found.name, found.dn_key) == (UUID_TEXT, "ada", "uid=ada,ou=people,dc=example")
    assert found.document() == {
        "userName": "ada",
        "externalId": UUID_TEXT.upper(),
        "name": {"formatted": "Ada Lovelace", "givenName": "Ada", "familyName": "Lovelace"},
        "displayName": "Ada Lovelace",
        "title": "Countess, Mathematician",
        "emails": [
            {"value": "ada@example.org", "type": "work", "primary": True},
            {"value": "lovelace@example.org", "type": "work"},
        ],
        "phoneNumbers": [{"value": "+44 1", "type": "work"}, {"value": "+44 2", "type": "mobile"}],
        "addresses": [{"type": "work", "streetAddress": "St James's Square", "locality": "London"}],
        ENTERPRISE_USER: {"department": "Engines"},
    }
    assert (found.active, found.reason, found.due) == (True, "", "")


def test_what_is_mapped_is_valid_and_canonical() -> None:
    document = person(ADA).document()
    checked = validate(USER, document, creating=True)
    checked.pop("schemas")
    assert checked == document


def ad_person(control: bytes = b"512", **more: list[bytes]) -> dict[str, list[bytes]]:
    """A person as Active Directory shows one."""
    return {
        "samaccountname": [b"ada"],
        "objectguid": [UUID(UUID_TEXT).bytes_le],
        "useraccountcontrol": [control],
        "givenname": [b"Ada"],
        "sn": [b"Lovelace"],
        "cn": [b"Lovelace, Ada"],
        **more,
    }


@pytest.mark.parametrize(("control", "active"), [(b"512", True), (b"514", False), (b"66050", False), (b"66048", True)])
def test_an_active_directory_person_has_guid_and_state(control: bytes, active: bool) -> None:
    found = person(ad_person(control), using=mapper("active-directory"))
    assert found.stable == UUID_TEXT
    assert found.active is active
    document = found.document()
    assert document["externalId"] == UUID_TEXT
    assert document["name"] == {"formatted": "Ada Lovelace", "givenName": "Ada", "familyName": "Lovelace"}
    assert document["displayName"] == "Lovelace, Ada"
    assert "active" not in document


def test_the_digest_moves_with_the_state_and_every_value() -> None:
    using = mapper("active-directory")
    variants = [ad_person(), ad_person(b"514"), ad_person(mail=[b"a@b"]), ad_person(title=[b"x"])]
    assert len({person(variant, using=using).digest for variant in variants}) == 4
    assert person(ad_person(), using=using).digest == person(ad_person(), using=using).digest


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"uid": []}, "userName: the entry has no value"),
        ({"uid": [b"   "]}, "userName: the entry has no value"),
        ({"cn": [b"\xff\xfe"]}, "cn: not UTF-8"),
        ({"mail": [b"ok@example.org", b"\xc3"]}, "mail: not UTF-8"),
        ({"entryuuid": []}, "entryUUID: the entry has no value"),
        ({"entryuuid": [b"\xff"]}, "entryUUID: cannot be read"),
    ],
)
def test_a_bad_entry_is_told_with_its_attribute(change: dict[str, list[bytes]], reason: str) -> None:
    found = problem({**ADA, **change})
    assert (found.dn, reason in found.reason) == (DN, True)
    assert found.stable == ("" if "entryUUID" in reason else UUID_TEXT)


def test_a_guid_or_number_that_is_none_is_told() -> None:
    using = mapper("active-directory")
    assert "not a GUID" in problem(ad_person(objectguid=[b"short"]), using=using).reason
    assert "userAccountControl: not a number" in problem(ad_person(b"x"), using=using).reason


def test_a_dn_that_is_none_is_a_problem() -> None:
    assert "no attribute type" in problem(ADA, dn="nonsense").reason


def test_one_bad_entry_spoils_no_other() -> None:
    mapped = mapper().people(NOW, [Entry(DN, ADA), Entry("uid=x,dc=example", {}), Entry("uid=y,dc=example", ADA)])
    assert [found.dn for found in mapped.found] == [DN, "uid=y,dc=example"]
    assert [found.dn for found in mapped.problems] == ["uid=x,dc=example"]


def group(attributes: dict[str, list[bytes]], **settings: Any) -> Found:
    """Map one group."""
    entry = Entry("cn=G,dc=example", {"cn": [b"G"], "entryuuid": [b"g"], **attributes})
    (found,) = mapper(**settings).group_entries([entry]).found
    return found


def test_members_are_known_by_name_and_by_login() -> None:
    found = group(
        {
            "member": [b"UID=Ada, OU=people,dc=example", b"", b"no dn"],
            "uniquemember": [b"uid=bob,dc=example#'0101'B", b"uid=ada,ou=people,dc=example"],
            "memberuid": ["Ünal".encode()],
        }
    )
    assert found.members == ("uid=ada,ou=people,dc=example", "uid=bob,dc=example", login_ref("ünal"))


def test_member_of_is_read_from_people_instead() -> None:
    using = mapper(groups={"member_of": "memberOf"})
    assert "memberOf" in using.people_selection.attributes
    assert "memberOf" in using.group_selection.attributes
    assert "member" not in using.group_selection.attributes
    found = person({**ADA, "memberof": [b"CN=G,dc=example"]}, using=using)
    assert found.groups == ("cn=g,dc=example",)


def test_only_what_is_mapped_is_asked_for() -> None:
    selection = mapper().people_selection
    assert "userPassword" not in selection.attributes
    assert {"uid", "entryUUID", "displayName", "cn"} <= set(selection.attributes)


def test_the_dn_can_stand_in_for_a_stable_id() -> None:
    using = mapper(stable_id="dn", users={"attributes": {"externalId": ""}})
    attributes = {name: values for name, values in ADA.items() if name != "entryuuid"}
    assert person(attributes, using=using).stable == "uid=ada,ou=people,dc=example"


def test_merging_sets_what_the_table_owns_and_nothing_else() -> None:
    using = mapper()
    stored = {
        "userName": "old",
        "nickName": "kept",
        "title": "gone with the directory",
        "name": {"familyName": "Old", "middleName": "kept"},
        "active": False,
        ENTERPRISE_USER: {"costCenter": "kept", "employeeNumber": "7"},
    }
    after = merged(stored, person(ADA).document(), using.users)
    assert (after["userName"], after["nickName"], after["active"]) == ("ada", "kept", False)
    assert after["title"] == "Countess, Mathematician"
    assert after["name"]["middleName"] == "kept"
    assert after["name"]["familyName"] == "Lovelace"
    assert after[ENTERPRISE_USER] == {"costCenter": "kept", "department": "Engines"}


@pytest.mark.parametrize(
    ("rules", "why"),
    [
        ({"noSuch": "cn"}, "no such attribute"),
        ({"name": "cn"}, "name the part of name"),
        ({"addresses[work]": "l"}, "name the part of addresses"),
        ({"id": "cn"}, "not for a directory to say"),
        ({"password": "userPassword"}, "not for a directory to say"),
        ({"groups": "memberOf"}, "not for a directory to say"),
        ({"title[work]": "title"}, "has one value"),
        ({"name..x": "cn"}, "is not written as"),
        ({"active": "uid"}, "boolean needs one of"),
        ({"title": {"from": "userAccountControl", "transform": "ad-enabled"}}, "boolean needs one of"),
        ({"title": {"from": "cn", "transform": "reverse"}}, "'reverse' is no transform"),
        ({"title": {"template": "no fields"}}, "names attributes in braces"),
        ({"title": {"template": "{cn}", "from": "cn"}}, "stands alone"),
        ({"title": "a||b"}, "is written as attribute"),
        ({"userName": ""}, "nothing is mapped to userName"),
        ({"urn:gatehouse:params:scim:schemas:extension:2.0:User:role": "title"}, "not for a directory to say"),
    ],
)
def test_a_table_that_cannot_work_is_refused_with_its_key(rules: dict[str, Any], why: str) -> None:
    with pytest.raises(ConfigError, match=why) as caught:
        mapper(users={"attributes": rules})
    assert caught.value.key.startswith("ldap.corp.users.attributes")


def test_a_shared_attribute_gets_its_first_value_and_is_let_go_of() -> None:
    raw = {"url": "ldif:x", "users": {"attributes": {"title": {"from": "title", "shared": True}}}}
    mapper = Mapper(parse("corp", raw))
    entry = Entry("uid=a,dc=x", {"entryuuid": [b"1"], "uid": [b"a"], "sn": [b"A"], "title": [b"Clerk"]})
    [found] = mapper.people(NOW, [entry]).found
    assert found.document()["title"] == "Clerk"
    assert ("title",) not in mapper.users.owned
    assert merged({"title": "Dr", "userName": "b"}, found.document(), mapper.users)["title"] == "Dr"


def link_to(found: Found, **more: Any) -> Link:
    """The link that a run would have written of a person."""
    known = Link(1, "user", found.stable, "id", found.dn, found.digest, found.active, raw=found.raw)
    return replace(known, **more)


def beside(link: Link, attributes: dict[str, list[bytes]], *, dn: str = DN, using: Mapper | None = None) -> Found:
    """Map one person of whom there is a link."""
    (found,) = (using or mapper()).people_beside({link.stable: link}, NOW, [Entry(dn, attributes)]).found
    return found


def test_of_an_entry_that_is_as_its_link_knows_it_only_the_names_are_read() -> None:
    by_member = mapper(groups={"member_of": "memberOf"})
    read = person({**ADA, "memberof": [b"cn=Old,dc=example"]}, using=by_member)
    again = {**dict(reversed(ADA.items())), "memberof": [b"cn=New,dc=example"]}
    link = link_to(read)
    found = beside(link, again, using=by_member)
    assert found == replace(read, encoded=b"", groups=("cn=new,dc=example",), link=link)


@pytest.mark.parametrize(
    ("link", "attributes", "dn", "using"),
    [
        ({}, {"l": [b"Paris"]}, DN, {}),
        ({}, {"mail": ADA["mail"][:1]}, DN, {}),
        ({}, {}, "uid=ada,ou=Staff,dc=example", {}),
        ({}, {}, DN, {"users": {"attributes": {"title": ""}}}),
        ({}, {}, DN, {"users": {"attributes": {"title": {"from": "title", "transform": "lower"}}}}),
        ({"digest": ""}, {}, DN, {}),
        ({"gone": "2026-01-01T00:00:00Z"}, {}, DN, {}),
        ({"raw": ""}, {}, DN, {}),
    ],
)
def test_an_entry_is_mapped_when_it_or_the_mapping_or_its_account_is_not_as_it_was(
    link: dict[str, Any], attributes: dict[str, list[bytes]], dn: str, using: dict[str, Any]
) -> None:
    known = link_to(person(ADA), **link)
    found = beside(known, {**ADA, **attributes}, dn=dn, using=mapper(**using))
    assert found == replace(person({**ADA, **attributes}, dn=dn, using=mapper(**using)), link=known)
    assert found.encoded
