"""The sample directory that comes with the product works as a file, without any server, and in OpenLDAP."""

import re
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from idp.auth import Verdict
from idp.directory import Resource
from ldap_bridge.bind import open_verifier
from ldap_bridge.errors import LdifError
from ldap_bridge.ldif import LdifFile
from ldap_bridge.runs import State
from tests.ldap_bridge.conftest import Bridge
from tests.support.directory import SYSTEM
from tests.support.slapd import Slapd

SAMPLE = Path(__file__).parents[2] / "config" / "sample" / "directory.ldif"
BASE = "dc=example,dc=com"


@pytest.fixture
def sample(tmp_path: Path) -> Path:
    """A copy that a test may change."""
    copy = tmp_path / "directory.ldif"
    copy.write_bytes(SAMPLE.read_bytes())
    return copy


def rewrite(path: Path, change: Callable[[str], str]) -> None:
    """Put another text into a file."""
    path.write_text(change(path.read_text()))


@pytest.fixture
def bridge(sample: Path, bridge_to: Callable[..., Bridge]) -> Bridge:
    """A bridge to the copy."""
    return bridge_to(f"ldif:{sample}", base="")


async def test_it_brings_twelve_people_and_their_groups(bridge: Bridge) -> None:
    run = await bridge.sync()
    assert (run.state, run.people, run.groups, run.errors, run.problems) == (State.APPLIED, 12, 8, 0, [])
    taro = await bridge.person("taro")
    assert taro["displayName"] == "佐藤 太郎"
    assert await bridge.members("Büro München") == {"juergen"}
    assert await bridge.members("Everybody") == {"Engineering", "Research", "Sales", "Support", "Finance"}
    assert not any((await bridge.sync()).counts.values())


async def test_its_people_log_in_with_the_passwords_it_tells(bridge: Bridge) -> None:
    await bridge.sync()
    with closing(open_verifier(bridge.source, bridge.store)) as verifier:
        for login, user in (await bridge.people()).items():
            person = Resource(user["id"], 1, user)
            assert await verifier.verify(person, f"{login}-sample") is Verdict.RIGHT
            assert await verifier.verify(person, f"{login}-wrong") is Verdict.WRONG
            assert await verifier.verify(person, "") is Verdict.WRONG


async def test_a_password_changed_in_the_file_counts_at_once(bridge: Bridge, sample: Path) -> None:
    await bridge.sync()
    ada = await bridge.person("ada")
    person = Resource(ada["id"], 1, ada)
    with closing(open_verifier(bridge.source, bridge.store)) as verifier:
        assert await verifier.verify(person, "ada-sample") is Verdict.RIGHT
        rewrite(sample, lambda text: re.sub("userPassword: .*", "userPassword: plain-and-new", text, count=1))
        assert await verifier.verify(person, "ada-sample") is Verdict.WRONG
        assert await verifier.verify(person, "plain-and-new") is Verdict.RIGHT


async def test_a_person_taken_out_is_disabled(bridge: Bridge, sample: Path) -> None:
    await bridge.sync()
    rewrite(sample, lambda text: re.sub(r"dn: uid=grace,(.+\n)+\n", "", text))
    run = await bridge.sync()
    assert run.counts["disable"] == 1
    assert await bridge.inactive() == {"grace"}


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
async def test_a_broken_file_changes_nothing(bridge: Bridge, sample: Path, share: float) -> None:
    await bridge.sync()
    before = await bridge.people()
    rewrite(sample, lambda text: text[: int(len(text) * share)].rstrip("\n"))
    with pytest.raises(LdifError, match=r"directory\.ldif, line \d+"):
        await bridge.sync(force=True)
    assert await bridge.people() == before
    assert (await bridge.service.history.runs(SYSTEM, "corp", 1))[0].state == State.FAILED


def test_openldap_takes_it_as_it_is(tmp_path: Path) -> None:
    slapd = Slapd(tmp_path / "slapd", base=BASE)
    slapd.load(SAMPLE.read_text())
    slapd.start()
    try:
        truth = slapd.search("(objectClass=inetOrgPerson)")
        assert slapd.accepts(f"uid=ada,ou=people,{BASE}", "ada-sample")
    finally:
        slapd.kill()
    ours = {entry.dn: entry.attributes for entry in LdifFile(SAMPLE).entries() if entry.dn.startswith("uid=")}
    for dn, attributes in ours.items():
        assert {name: sorted(values) for name, values in attributes.items()} == {
            name.lower(): sorted(values) for name, values in truth[dn].items() if name.lower() in attributes
        }
