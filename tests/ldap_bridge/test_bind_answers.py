"""Answers to binds: what a password policy and Active Directory say of an account comes out as one of few verdicts."""

from collections.abc import Callable, Iterator
from contextlib import closing

import pytest

from idp.auth import Verdict
from idp.directory import Resource
from ldap_bridge.ber import BIND_RESPONSE, BerError, Control, ResultMessage
from ldap_bridge.bind import open_verifier
from ldap_bridge.bind_answers import PASSWORD_POLICY, PolicyAnswer, policy_answer, verdict_of
from tests.ldap_bridge.conftest import Bridge
from tests.support.ldap_wire import responder
from tests.support.ldif import write_entry
from tests.support.memory_directory import MemoryDirectory
from tests.support.people import BASE, make_company, make_person
from tests.support.ports import HOST
from tests.support.slapd import Slapd

POLICIES = f"ou=policies,{BASE}"
LONG_AGO = "20200101000000Z"
DOMAIN = "DC=corp,DC=test"


def answer(code: int, text: str = "", policy: bytes = b"") -> ResultMessage:
    """An answer to a bind."""
    controls = (Control(PASSWORD_POLICY, policy),) if policy else ()
    return ResultMessage(1, BIND_RESPONSE, code, "", text, (), controls)


@pytest.mark.parametrize(
    ("code", "verdict"),
    [
        (0, Verdict.RIGHT),
        (19, Verdict.LOCKED),
        (32, Verdict.WRONG),
        (48, Verdict.WRONG),
        (49, Verdict.WRONG),
        (53, Verdict.UNWILLING),
        (1, None),
        (51, None),
        (80, None),
    ],
)
def test_a_code_alone_tells_little(code: int, verdict: Verdict | None) -> None:
    assert verdict_of(answer(code)) is verdict


@pytest.mark.parametrize(
    ("octets", "found"),
    [
        (b"", PolicyAnswer()),
        (b"\x30\x00", PolicyAnswer()),
        (b"\x30\x05\xa0\x03\x80\x01\x3c", PolicyAnswer(expires=60)),
        (b"\x30\x05\xa0\x03\x81\x01\x02", PolicyAnswer(graces=2)),
        (b"\x30\x03\x81\x01\x01", PolicyAnswer(error=1)),
        (b"\x30\x08\xa0\x03\x81\x01\x00\x81\x01\x00", PolicyAnswer(graces=0, error=0)),
        (b"\x30\x03\x9f\x01\x01", None),
        (b"\x30\x02\xa0\x00", None),
        (b"\x31\x00", None),
        (b"\x30\x05\xa0\x04\x80\x01\x3c", None),
        (b"\x30\x05\xa0\x03\x82\x01\x3c", None),
    ],
)
def test_the_policys_answer_is_read_or_refused(octets: bytes, found: PolicyAnswer | None) -> None:
    controls = (Control(PASSWORD_POLICY, octets),) if octets else ()
    if found is None:
        with pytest.raises(BerError):
            policy_answer(controls)
    else:
        assert policy_answer(controls) == found


# --- OpenLDAP's overlay ppolicy ---


def policy(name: str, **settings: str) -> str:
    """A password policy."""
    own = {key: [value] for key, value in settings.items()}
    required = {"objectClass": ["device", "pwdPolicy"], "cn": [name], "pwdAttribute": ["userPassword"]}
    return write_entry(f"cn={name},{POLICIES}", {**required, **own})


STATES = {
    "expired": {"pwdChangedTime": [LONG_AGO], "pwdPolicySubentry": [f"cn=ages,{POLICIES}"]},
    "grace": {"pwdChangedTime": [LONG_AGO], "pwdPolicySubentry": [f"cn=graces,{POLICIES}"]},
    "reset": {"pwdReset": ["TRUE"], "pwdPolicySubentry": [f"cn=changes,{POLICIES}"]},
    "locked": {"pwdAccountLockedTime": ["000001010000Z"], "pwdPolicySubentry": [f"cn=locks,{POLICIES}"]},
    "expiring": {"pwdChangedTime": [LONG_AGO], "pwdPolicySubentry": [f"cn=warns,{POLICIES}"]},
    "well": {},
}


@pytest.fixture
def policed(new_slapd: Callable[[], Slapd]) -> Slapd:
    """A server with one person in each state, each as `uid`, with the password `uid-password`."""
    server = new_slapd()
    entries = {
        uid: {**make_person(1).attributes(), "uid": [uid], "userPassword": [f"{uid}-password"], **state}
        for uid, state in STATES.items()
    }
    server.load(
        make_company(2, 0).ldif()
        + policy("ages", pwdMaxAge="3600")
        + policy("graces", pwdMaxAge="3600", pwdGraceAuthNLimit="5")
        + policy("changes", pwdMustChange="TRUE")
        + policy("locks", pwdLockout="TRUE", pwdMaxFailure="5")
        + policy("warns", pwdMaxAge="2000000000", pwdExpireWarning="1999999999")
        + "".join(write_entry(f"uid={uid},ou=people,{BASE}", entry) for uid, entry in entries.items())
    )
    server.start()
    return server


@pytest.mark.parametrize("at_once", [1, 8])
async def test_openldap_says_what_is_the_matter_with_an_account(
    policed: Slapd, bridge_to: Callable[..., Bridge], at_once: int
) -> None:
    corp = bridge_to(policed.url, bind_dn=policed.admin_dn, bind_password=policed.admin_password, binds=at_once)
    await corp.sync()
    verdicts, people = {}, await corp.people()
    with closing(open_verifier(corp.source, corp.store)) as verifier:
        for uid in STATES:
            user = Resource(people[uid]["id"], 1, people[uid])
            wrong = await verifier.verify(user, "wrong")
            verdicts[uid] = (wrong, await verifier.verify(user, f"{uid}-password"))
    # With one connection each bind comes after one that may do nothing but change its password.
    assert verdicts == {
        "expired": (Verdict.WRONG, Verdict.EXPIRED),
        "grace": (Verdict.WRONG, Verdict.GRACE),
        "reset": (Verdict.WRONG, Verdict.MUST_CHANGE),
        "locked": (Verdict.LOCKED, Verdict.LOCKED),
        "expiring": (Verdict.WRONG, Verdict.EXPIRING),
        "well": (Verdict.WRONG, Verdict.RIGHT),
    }


# --- Active Directory ---

SUB_CODES = {
    "": Verdict.RIGHT,
    "530": Verdict.NOT_NOW,
    "531": Verdict.NOT_NOW,
    "532": Verdict.EXPIRED,
    "533": Verdict.DISABLED,
    "701": Verdict.ENDED,
    "773": Verdict.MUST_CHANGE,
    "775": Verdict.LOCKED,
    "7fe": Verdict.WRONG,
}


@pytest.fixture
def domain() -> MemoryDirectory:
    """A domain with one person for each state, and her password."""
    made = MemoryDirectory(DOMAIN)
    for state in SUB_CODES:
        dn = f"CN=p{state},{DOMAIN}"
        made.add(dn, ["user"], sAMAccountName=f"p{state}", userAccountControl="512")
        made.passwords[dn], made.states[dn] = "right", state
    return made


@pytest.fixture
def controller(domain: MemoryDirectory) -> Iterator[str]:
    """The address of a domain controller."""
    with responder(domain.answer, bound=domain.bound) as port:
        yield f"ldap://{HOST}:{port}"


@pytest.fixture
async def ad(controller: str, bridge_to: Callable[..., Bridge]) -> Bridge:
    """A bridge to the domain; everybody is in."""
    made = bridge_to(controller, preset="active-directory", base=DOMAIN)
    await made.sync()
    return made


@pytest.mark.parametrize(("state", "verdict"), SUB_CODES.items())
async def test_active_directory_says_it_in_a_sub_code(ad: Bridge, state: str, verdict: Verdict) -> None:
    document = await ad.person(f"p{state}")
    user = Resource(document["id"], 1, document)
    with closing(open_verifier(ad.source, ad.store)) as verifier:
        assert await verifier.verify(user, "right") is verdict
        assert await verifier.verify(user, "wrong") is (Verdict.LOCKED if state == "775" else Verdict.WRONG)
