"""Files for import, read into rows that know their line."""

import json
from pathlib import Path
from typing import Any

import pytest

from idp.cli.importing import csv_file, json_file, ldif_file
from idp.cli.importing.rows import GROUPS, USERS, Row, Wrong
from idp.errors import InvalidSyntax
from idp.schema.urns import ENTERPRISE_USER, GATEHOUSE_USER


def write(tmp_path: Path, name: str, text: str, encoding: str = "utf-8") -> Path:
    file = tmp_path / name
    file.write_bytes(text.encode(encoding))
    return file


def documents(rows: Any) -> list[dict[str, Any]]:
    return [row.document for row in rows if isinstance(row, Row)]


def test_a_table_names_attributes_as_scim_or_as_people_do(tmp_path: Path) -> None:
    table = (
        "username,First Name,name.familyName,E-Mail,department,active,externalId\n"
        "anna,Anna,Ångström,anna@example.org,Sales,false,7\n"
    )
    [row] = csv_file.read(write(tmp_path, "people.csv", table))
    assert isinstance(row, Row)
    assert (row.line, row.kind, row.external_id) == (2, USERS, "7")
    assert row.document == {
        "userName": "anna",
        "name": {"givenName": "Anna", "familyName": "Ångström"},
        "emails": [{"value": "anna@example.org", "primary": True}],
        ENTERPRISE_USER: {"department": "Sales"},
        "active": False,
        "externalId": "7",
    }


def test_tables_as_spreadsheets_write_them(tmp_path: Path) -> None:
    """With a byte order mark, Windows line ends, semicolons, quoted cells over several lines and empty lines."""
    table = (
        "\ufeffusername;displayName;emails;groups\r\n"
        'anna;"Anna\r\nÅngström; the\u2028first";a@x.org|b@x.org;Sales|R&D\r\n'
        "\r\nben;;;\r\n"
    )
    first, second = csv_file.read(write(tmp_path, "people.csv", table))
    assert isinstance(first, Row)
    assert isinstance(second, Row)
    assert first.document["displayName"] == "Anna\nÅngström; the\u2028first"
    assert [email["value"] for email in first.document["emails"]] == ["a@x.org", "b@x.org"]
    assert first.groups == ("Sales", "R&D")
    assert (second.line, second.document) == (5, {"userName": "ben"})


def test_a_row_with_too_many_cells_is_named_and_the_others_are_read(tmp_path: Path) -> None:
    rows = list(csv_file.read(write(tmp_path, "p.csv", "userName,title\nanna,CEO,extra\nben,CTO\n")))
    assert rows[0] == Wrong(2, "3 cells, but the first line names 2 columns")
    assert documents(rows) == [{"userName": "ben", "title": "CTO"}]


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("userNam,title\n", r"line 1: 'userNam' is no attribute of users to import; did you mean userName\?"),
        ("title\nCEO\n", r"line 1: no column userName"),
        ("userName,password\n", r"line 1: 'password' is no attribute of users to import"),
        ("", r"line 1: no column userName"),
        ("userName,title,title\n", r"line 1: two columns mean title"),
        ("userName,E-Mail,emails\n", r"line 1: two columns mean emails"),
        (f"userName,{GATEHOUSE_USER}:role\n", r"line 1: '.*:role' is no attribute of users to import"),
    ],
)
def test_a_first_line_that_cannot_be_right_is_refused(tmp_path: Path, table: str, message: str) -> None:
    with pytest.raises(InvalidSyntax, match=message):
        list(csv_file.read(write(tmp_path, "people.csv", table)))


def test_a_file_in_another_encoding_is_refused_with_the_line(tmp_path: Path) -> None:
    with pytest.raises(InvalidSyntax, match="line 2: is not UTF-8"):
        csv_file.read(write(tmp_path, "people.csv", "userName,displayName\nanna,Ångström\n", "latin-1"))
    with pytest.raises(InvalidSyntax, match="cannot be read: No such file"):
        csv_file.read(tmp_path / "nowhere.csv")


USER_SCHEMA = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP_SCHEMA = "urn:ietf:params:scim:schemas:core:2.0:Group"


def test_documents_are_read_from_a_list_with_their_lines(tmp_path: Path) -> None:
    text = f"""[
  {{"schemas": ["{USER_SCHEMA}"], "id": "not kept", "userName": "anna", "active": "True"}},

  {{"schemas": ["{GROUP_SCHEMA}"], "displayName": "Sales", "members": [{{"value": "anna"}}, "ben"]}},
  7
]"""
    user, group, wrong = json_file.read(write(tmp_path, "all.json", text))
    assert user == Row(2, USERS, {"userName": "anna", "active": True})
    assert group == Row(4, GROUPS, {"displayName": "Sales"}, members=("anna", "ben"))
    assert wrong == Wrong(5, "expected an object, a user or a group")


def test_documents_are_read_from_a_list_response_and_from_named_lists(tmp_path: Path) -> None:
    response = '{"totalResults": 1,\n "Resources": [\n{"userName": "anna"}]}'
    assert list(json_file.read(write(tmp_path, "r.json", response))) == [Row(3, USERS, {"userName": "anna"})]
    named = (
        '{"users": [{"userName": "anna", "groups": [{"value": "g", "display": "Sales"}]}],\n'
        ' "groups": [{"displayName": "Sales", "members": []}]}'
    )
    assert list(json_file.read(write(tmp_path, "n.json", named))) == [
        Row(1, USERS, {"userName": "anna"}, groups=("Sales",)),
        Row(2, GROUPS, {"displayName": "Sales"}),
    ]


def test_documents_are_read_one_a_line(tmp_path: Path) -> None:
    text = '{"userName": "anna"}\n\n{"userName": \n{"displayName": "Sales"}\n'
    rows = list(json_file.read(write(tmp_path, "d.ndjson", text)))
    assert rows[0] == Row(1, USERS, {"userName": "anna"})
    assert isinstance(rows[1], Wrong)
    assert (rows[1].line, rows[1].reason[:13]) == (3, "is not JSON: ")
    assert rows[2] == Row(4, GROUPS, {"displayName": "Sales"})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[\n{"userName": "anna"},\n{"userName": ]\n', "line 3, column 14: is not JSON"),
        ('{"people": []}', 'holds none of the lists "users", "groups" and "Resources"'),
        (f'[\n{{"userName": {"[" * 100_000}', "line 2: lists and objects are nested too deeply"),
        (f'{{"users": {"[" * 100_000}', "all.json: lists and objects are nested too deeply"),
        ('{\n"users": [', "line 2, column 11: is not JSON"),
    ],
)
def test_what_is_not_json_is_refused_with_line_and_column(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(InvalidSyntax, match=message):
        list(json_file.read(write(tmp_path, "all.json", text)))


def test_lines_that_are_nested_too_deeply_stop_no_other(tmp_path: Path) -> None:
    text = f'{{"userName": "anna"}}\n{{"userName": {"[" * 100_000}\n'
    anna, wrong = json_file.read(write(tmp_path, "d.ndjson", text))
    assert isinstance(anna, Row)
    assert wrong == Wrong(2, "lists and objects are nested too deeply")


@pytest.mark.parametrize(
    ("given", "name"),
    [({"Password": "s3cret"}, "Password"), ({GATEHOUSE_USER: {"Role": "root"}}, f"{GATEHOUSE_USER}:role")],
)
def test_what_a_file_may_not_decide_is_refused_and_not_passed_over(
    tmp_path: Path, given: dict[str, Any], name: str
) -> None:
    file = write(tmp_path, "people.json", json.dumps([{"userName": "anna", **given}]))
    assert list(json_file.read(file)) == [Wrong(1, f"{name}: is not imported")]


def test_a_byte_order_mark_is_no_part_of_a_file(tmp_path: Path) -> None:
    [anna] = json_file.read(write(tmp_path, "p.json", '[{"userName": "anna"}]', "utf-8-sig"))
    assert anna == Row(1, USERS, {"userName": "anna"})
    entry = "dn: uid=asa,o=x\nobjectClass: inetOrgPerson\nuid: asa\ncn: Asa\nsn: B\n"
    [asa] = ldif_file.read(write(tmp_path, "p.ldif", entry, "utf-8-sig"))
    assert isinstance(asa, Row)
    assert (asa.line, asa.name) == (1, "asa")


def test_a_missing_export_is_named_without_a_line(tmp_path: Path) -> None:
    with pytest.raises(InvalidSyntax, match=r"gone\.ldif: cannot be read: No such file"):
        ldif_file.read(tmp_path / "gone.ldif")


LDIF = """\
version: 1

dn: dc=example,dc=org
objectClass: organization
o: Example

# Her name in base64: Åsa Öberg
dn: uid=asa,ou=people,dc=example,dc=org
objectClass: inetOrgPerson
uid: asa
cn:: w4VzYSDDlmJlcmc=
sn: Berg
mail: ASA@example.org

dn: uid=ben,ou=people,dc=example,dc=org
objectClass: inetOrgPerson
uid: ben
entryUUID: 5b3c7b9e-0000-4000-8000-000000000001
cn: Ben
sn: Ben

dn: cn=sales,ou=groups,dc=example,dc=org
objectClass: groupOfNames
cn: Sales
member: UID=asa, ou=people,dc=example,dc=org
member: uid=ben,ou=people,dc=example,dc=org
member: cn=all,ou=groups,dc=example,dc=org

dn: cn=all,ou=groups,dc=example,dc=org
objectClass: posixGroup
cn: All
memberUid: asa
memberUid: gone

dn: uid=nobody,ou=people,dc=example,dc=org
objectClass: inetOrgPerson
cn: Without a login name
sn: Nobody
"""


def test_people_and_groups_are_read_from_an_export_with_their_lines(tmp_path: Path) -> None:
    asa, ben, sales, everybody, wrong = ldif_file.read(write(tmp_path, "dump.ldif", LDIF))
    assert isinstance(asa, Row)
    assert isinstance(ben, Row)
    assert (asa.line, asa.name, asa.external_id, asa.document["displayName"]) == (8, "asa", None, "Åsa Öberg")
    assert asa.document["emails"][0]["value"] == "asa@example.org"
    assert (ben.line, ben.external_id) == (15, "5b3c7b9e-0000-4000-8000-000000000001")
    assert isinstance(sales, Row)
    assert isinstance(everybody, Row)
    assert (sales.line, sales.kind, sales.members) == (22, GROUPS, ("asa", ben.external_id, "All"))
    assert (everybody.line, everybody.members) == (29, ("asa", "gone"))
    assert isinstance(wrong, Wrong)
    assert wrong.line == 35


def test_an_export_that_is_cut_off_is_refused_with_the_line(tmp_path: Path) -> None:
    with pytest.raises(InvalidSyntax, match="line 12: is cut off"):
        ldif_file.read(write(tmp_path, "dump.ldif", "\n".join(LDIF.split("\n")[:12])[:-3]))
