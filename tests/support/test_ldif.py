"""LDIF written by the tests is read back as it was, also by the rules for awkward values."""

from hypothesis import given
from hypothesis import strategies as st

from tests.support.ldif import escape_rdn, read_entries, write_entry, write_line

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1)


@given(st.dictionaries(st.sampled_from(["cn", "sn", "description"]), st.lists(texts, min_size=1), min_size=1))
def test_an_entry_is_read_back_as_it_was_written(attributes: dict[str, list[str]]) -> None:
    read = read_entries(write_entry("cn=Ærø,dc=example", attributes))
    assert read == {"cn=Ærø,dc=example": {name: [v.encode() for v in values] for name, values in attributes.items()}}


def test_awkward_values_are_written_in_base64() -> None:
    assert write_line("cn", "plain") == "cn: plain\n"
    for awkward in (" leading", ":colon", "<less", "trailing ", "two\nlines", "ü", b"\xff\x00"):
        assert write_line("cn", awkward).startswith("cn:: ")


def test_a_name_is_escaped_as_rfc_4514_asks() -> None:
    assert escape_rdn('a,b+c"d\\e<f>g;h=i') == 'a\\,b\\+c\\"d\\\\e\\<f\\>g\\;h\\=i'
    assert escape_rdn("#1 ") == "\\#1\\ "
    assert escape_rdn(" ") == "\\ "
