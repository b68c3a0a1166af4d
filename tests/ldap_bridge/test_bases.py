"""Several bases and filters of one source: who matches any is read once, whichever base it stands below."""

import re
from collections.abc import Callable

import pytest

from idp.errors import ConfigError, IdpError
from ldap_bridge.runs import State
from tests.ldap_bridge.conftest import Bridge
from tests.support.directory import SYSTEM
from tests.support.ldif import write_change, write_entry
from tests.support.people import BASE, Company
from tests.support.slapd import Slapd

OUTSIDE, STAFF = f"ou=outside,{BASE}", f"ou=people,{BASE}"


def person(name: str, below: str, **more: str) -> str:
    """One more person."""
    own = {"objectClass": ["inetOrgPerson"], "uid": [name], "cn": [name], "sn": [name]}
    return write_entry(f"uid={name},{below}", own | {key: [value] for key, value in more.items()})


@pytest.fixture
def peopled(slapd: Slapd) -> Slapd:
    """The company, with a branch for people from outside."""
    branches = (OUTSIDE, f"ou=deep,{OUTSIDE}")
    units = [write_entry(dn, {"objectClass": ["organizationalUnit"], "ou": [dn[3:].split(",")[0]]}) for dn in branches]
    people = [
        person("mia", OUTSIDE, employeeType="guest"),
        person("noa", f"ou=deep,{OUTSIDE}", employeeType="contractor"),
        person("pat", OUTSIDE, employeeType="robot"),
        person("sam", BASE, employeeType="guest"),
    ]
    slapd.modify("".join(units + people))
    return slapd


@pytest.fixture
def bridge_over(peopled: Slapd, bridge_to: Callable[..., Bridge]) -> Callable[..., Bridge]:
    """Make a bridge with these settings."""
    account = {"bind_dn": peopled.admin_dn, "bind_password": peopled.admin_password}
    return lambda **settings: bridge_to(peopled.url, **account, **settings)


async def outside(bridge: Bridge) -> set[str]:
    """Those who are not of the company, and active."""
    return {
        login for login, user in (await bridge.people()).items() if not login.startswith("person") and user["active"]
    }


async def test_people_of_several_bases_and_filters_are_read_once_and_followed(
    peopled: Slapd, bridge_over: Callable[..., Bridge], company: Company
) -> None:
    filters = ["(employeeType=guest)", "employeeType=contractor", "(&(uid=person*)(uid=*))"]
    bridge = bridge_over(users={"base": [STAFF, OUTSIDE, f"OU=Deep, {OUTSIDE}"], "filter": filters})
    run = await bridge.sync()
    assert (run.state, run.people, run.problems) == (State.APPLIED, len(company.people) + 2, [])
    assert await outside(bridge) == {"mia", "noa"}
    accounts = {login: user["id"] for login, user in (await bridge.people()).items()}

    peopled.rename(f"uid=mia,{OUTSIDE}", "uid=mia", STAFF)  # from one base into another
    peopled.rename(f"uid=noa,ou=deep,{OUTSIDE}", "uid=noa", BASE)  # out of all of them
    peopled.modify(write_change(f"uid=pat,{OUTSIDE}", [("replace", "employeeType", ["contractor"])]))
    run = await bridge.sync()
    assert (run.state, run.whole, run.feed) == (State.APPLIED, False, "rfc4533")
    assert await outside(bridge) == {"mia", "pat"}
    assert (await bridge.people())["mia"]["id"] == accounts["mia"]
    peopled.rename(f"uid=noa,{BASE}", "uid=noa", OUTSIDE)
    await bridge.sync()
    assert await outside(bridge) == {"mia", "pat", "noa"}
    assert (await bridge.people())["noa"]["id"] == accounts["noa"]
    await bridge.sync(whole=True)
    assert await outside(bridge) == {"mia", "pat", "noa"}


async def test_a_base_that_is_missing_among_several_removes_nobody(
    peopled: Slapd, bridge_over: Callable[..., Bridge]
) -> None:
    bridge = bridge_over(users={"base": [STAFF, OUTSIDE]})
    await bridge.sync()
    peopled.delete(
        f"uid=noa,ou=deep,{OUTSIDE}", f"ou=deep,{OUTSIDE}", f"uid=pat,{OUTSIDE}", f"uid=mia,{OUTSIDE}", OUTSIDE
    )
    for order in ([STAFF, OUTSIDE], [OUTSIDE, STAFF]):
        with pytest.raises(IdpError, match=f"'corp': the base '{OUTSIDE}' does not exist"):
            await bridge_over(users={"base": order}).sync(whole=True)
    assert await bridge.inactive() == set()


async def test_looking_at_a_directory_tells_of_what_is_not_there_and_what_is_elsewhere(
    peopled: Slapd, bridge_over: Callable[..., Bridge]
) -> None:
    away = {"objectClass": ["referral", "extensibleObject"], "ou": ["away"], "ref": ["ldap://other.example/ou=away"]}
    peopled.modify(write_entry(f"ou=away,{OUTSIDE}", away))
    seen = await bridge_over(users={"base": OUTSIDE, "filter": "(noSuchAttribute=x)"}).service.test(SYSTEM, "corp")
    assert (seen.people, seen.complete) == (0, False)
    assert seen.gaps == [
        f"people: there is no inetOrgPerson that matches users.filter below '{OUTSIDE}', as far as the account may see"
    ]
    seen = await bridge_over(users={"base": OUTSIDE}).service.test(SYSTEM, "corp")
    assert (seen.people, seen.complete, len(seen.elsewhere)) == (3, True, 1)
    assert seen.elsewhere[0].startswith("ldap://other.example/ou=away")


@pytest.mark.parametrize("wrong", ["(uid=", "uid", "(&)(", "(uid=a))"])
async def test_one_wrong_filter_of_several_is_named_before_anything_is_connected(
    bridge_to: Callable[..., Bridge], wrong: str
) -> None:
    sent = wrong if wrong.startswith("(") else f"({wrong})"
    with pytest.raises(ConfigError, match=rf"ldap\.corp\.users\.filter: '{re.escape(sent)}' is no LDAP filter"):
        await bridge_to("ldap://nowhere.invalid", users={"filter": ["(uid=mia)", wrong]}).sync()
