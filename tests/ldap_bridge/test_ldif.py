"""LDIF files are read as RFC 2849 writes them, and a broken one is refused with its line."""

import base64
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.errors import CallerError
from ldap_bridge.entries import Entry, Outcome, Selection
from ldap_bridge.errors import LdifError
from ldap_bridge.ldif import LdifFile
from tests.support.ldif import write_entry
from tests.support.people import Company, make_company
from tests.support.slapd import Slapd

GOOD = "dn: cn=a,o=x\ncn: a\n\n"


@pytest.fixture
def ldif(tmp_path: Path) -> Path:
    """Where the file is to be written."""
    return tmp_path / "directory.ldif"


def entries(path: Path, content: str | bytes) -> list[Entry]:
    """Write a file and read it."""
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return list(LdifFile(path).entries())


def test_comments_versions_continuations_and_base64_are_understood(ldif: Path) -> None:
    text = (
        "version: 1\n# a comment\n  that goes on\n\n\ndn: cn=Gr\n oup,o=x\nobjectClass: top\nobjectclass:   group\n"
        "# in between\ncn:: R3LDvMOfZQ==\ndescription: one\n  two\nempty:\njpegPhoto;binary:: /9j/\n /w==\n\n"
        "dn:: Y249TcO8bGxlcixvPXg=\r\ncn: M\r\n\r\n"
    )
    assert entries(ldif, text) == [
        Entry(
            "cn=Group,o=x",
            {
                "objectclass": [b"top", b"group"],
                "cn": ["Grüße".encode()],
                "description": [b"one two"],
                "empty": [b""],
                "jpegphoto;binary": [b"\xff\xd8\xff\xff"],
            },
        ),
        Entry("cn=Müller,o=x", {"cn": [b"M"]}),
    ]


@pytest.mark.parametrize(
    ("text", "line", "why"),
    [
        ("dn: cn=b,o=x\nno colon here\n", 5, "is not `attribute: value`"),
        ("dn: cn=b,o=x\ncn:: %%%\n", 5, "not base64"),
        ("dn: cn=b,o=x\ncn: b\ndn: cn=c,o=x\ncn: c\n", 6, "a second dn"),
        ("cn: b\n", 4, "not with dn"),
        (" continuation\n", 4, "continues a line that is not there"),
        ("dn: cn=b,o=x\nchangetype: delete\n", 5, "change record"),
        ("dn: cn=b,o=x\nphoto:< file:///etc/passwd\n", 5, "not fetched"),
        ("dn: cn=b,o=x\ncn: cut o", 5, "cut off"),
        ("dn: cn=b,o=x\n", 4, "without attributes"),
        ("dn: nonsense\ncn: b\n", 4, "no attribute type"),
        ("dn:: //79\ncn: b\n", 4, "not UTF-8"),
        ("version: 2\n", 4, "version 1"),
        ("dn: cn=b,o=x\ncn mit blank: x\n", 5, "is not `attribute: value`"),
    ],
)
def test_a_broken_file_is_refused_with_its_line(ldif: Path, text: str, line: int, why: str) -> None:
    with pytest.raises(LdifError, match=why) as caught:
        entries(ldif, GOOD + text)
    assert caught.value.line == line
    assert str(ldif) in str(caught.value)
    assert isinstance(caught.value, CallerError)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(LdifError, match=r"nowhere\.ldif.*cannot be read"):
        list(LdifFile(tmp_path / "nowhere.ldif").entries())


def test_an_empty_file_has_no_entries(ldif: Path) -> None:
    assert entries(ldif, "") == []


def test_secrets_behind_a_broken_name_stay_out_of_the_message(ldif: Path) -> None:
    with pytest.raises(LdifError) as caught:
        entries(ldif, "dn: cn=b,o=x\nuser Password is wrong here but hunter2-hunter2\n")
    assert "hunter2" not in str(caught.value)


@given(st.dictionaries(st.sampled_from(["cn", "sn", "mail", "photo"]), st.lists(st.binary(max_size=40), min_size=1)))
def test_what_is_written_is_read(tmp_path: Path, attributes: dict[str, list[bytes]]) -> None:
    written = {"objectclass": [b"top"], **attributes}
    assert entries(tmp_path / "x.ldif", write_entry("cn=a,o=x", written)) == [Entry("cn=a,o=x", written)]


@given(st.binary(max_size=200))
def test_noise_gives_entries_or_the_modules_own_error(tmp_path: Path, noise: bytes) -> None:
    with suppress(LdifError):
        entries(tmp_path / "x.ldif", b"dn: cn=a,o=x\n" + noise)


def test_a_selection_chooses_by_class_and_base(ldif: Path) -> None:
    company = make_company()
    ldif.write_text(company.ldif())
    chosen = Selection(["OU=People, DC=example,DC=org"], ["INETORGPERSON"], attributes=["uid", "cn"])
    reading = LdifFile(ldif).read(chosen)
    found = [entry for batch in reading.batches() for entry in batch]
    assert {entry.dn for entry in found} == {person.dn for person in company.people}
    assert {tuple(entry.attributes) for entry in found} == {("uid", "cn")}
    assert reading.outcome == Outcome(complete=True, entries=50)
    nobody = LdifFile(ldif).read(Selection([""], ["inetOrgPerson"], ["inetOrgPerson"]))
    assert list(nobody.batches()) == []


def test_a_read_of_a_broken_file_is_never_complete(ldif: Path) -> None:
    ldif.write_text(make_company(600).ldif() + "dn: cn=broken\n")
    reading = LdifFile(ldif).read(Selection([""], ["inetOrgPerson"]))
    with pytest.raises(LdifError):
        list(reading.batches())
    assert not reading.outcome.complete


def test_what_ldapsearch_prints_is_read(slapd: Slapd, company: Company, ldif: Path) -> None:
    truth = slapd.search("(objectClass=inetOrgPerson)")
    ldif.write_text("".join(write_entry(dn, attributes) for dn, attributes in truth.items()))
    found = {entry.dn: entry.attributes for entry in LdifFile(ldif).entries()}
    assert found == {dn: {name.lower(): v for name, v in attributes.items()} for dn, attributes in truth.items()}


def test_long_values_fold_without_end(ldif: Path) -> None:
    photo = bytes(range(256)) * 4000
    text = base64.b64encode(photo).decode()
    folded = "\n ".join(text[i : i + 76] for i in range(0, len(text), 76))
    (entry,) = entries(ldif, f"dn: cn=a,o=x\nphoto:: {folded}\n")
    assert entry.attributes["photo"] == [photo]
