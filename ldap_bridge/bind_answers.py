"""What a server's answer to a bind says of the password and of the account. Pure.

Some answers are given only after the right password, others whatever it was; who is told what depends on that.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from idp.auth import Verdict
from ldap_bridge.ber import SEQUENCE, BerError, Control, ResultMessage, expect, header, integer
from ldap_bridge.sync_controls import find_control

PASSWORD_POLICY: Final = "1.3.6.1.4.1.42.2.27.8.5.1"  # noqa: S105 (the name of a control)
_SUCCESS: Final = 0

# draft-behera-ldap-password-policy-10 section 6.2
_WARNING, _ERROR, _EXPIRES, _GRACES = 0xA0, 0x81, 0x80, 0x81
_PASSWORD_EXPIRED, _ACCOUNT_LOCKED, _CHANGE_AFTER_RESET = 0, 1, 2

# RFC 4511 appendix A. 19 is what 389 Directory Server says after too many failures, 53 of an account that is
# inactivated; both whatever the password is.
_BY_CODE: Final[Mapping[int, Verdict]] = {
    19: Verdict.LOCKED,
    32: Verdict.WRONG,
    48: Verdict.WRONG,
    49: Verdict.WRONG,
    53: Verdict.UNWILLING,
}
# Windows error codes, in hexadecimal as Active Directory writes them into its text. All but "locked" come only after
# the right password.
_SUB_CODE: Final = re.compile(r"AcceptSecurityContext error, data ([0-9a-fA-F]{1,8})\b")
_BY_SUB_CODE: Final[Mapping[int, Verdict]] = {
    0x525: Verdict.WRONG,
    0x52E: Verdict.WRONG,
    0x530: Verdict.NOT_NOW,
    0x531: Verdict.NOT_NOW,
    0x532: Verdict.EXPIRED,
    0x533: Verdict.DISABLED,
    0x701: Verdict.ENDED,
    0x773: Verdict.MUST_CHANGE,
    0x775: Verdict.LOCKED,
}


@dataclass(frozen=True, slots=True)
class PolicyAnswer:
    """The password policy's response control: seconds until the password expires, logins left after that, an error."""

    expires: int | None = None
    graces: int | None = None
    error: int | None = None


def verdict_of(result: ResultMessage) -> Verdict | None:
    """Return what the answer says, None when the server is in trouble and says nothing. Raises BerError."""
    policy = policy_answer(result.controls)
    if result.code == _SUCCESS:
        return _accepted(policy)
    found = _BY_CODE.get(result.code)
    if found is not Verdict.WRONG:
        return found
    if policy.error is not None:
        # Servers compare the password before they tell that it has expired, but not before they tell of a lock.
        errors = {_PASSWORD_EXPIRED: Verdict.EXPIRED, _ACCOUNT_LOCKED: Verdict.LOCKED}
        return errors.get(policy.error, Verdict.WRONG)
    told = _SUB_CODE.search(result.text)
    return _BY_SUB_CODE.get(int(told[1], 16), Verdict.WRONG) if told else Verdict.WRONG


def policy_answer(controls: tuple[Control, ...]) -> PolicyAnswer:
    """Decode the password policy's response control, empty where there is none. Raises BerError."""
    value = find_control(controls, PASSWORD_POLICY)
    if not value:
        return PolicyAnswer()
    tag, position, end = header(value, 0, len(value))
    expect(tag, SEQUENCE, "a password policy's answer")
    found: dict[str, int] = {}
    while position < end:
        tag, start, stop = header(value, position, end)
        if tag == _WARNING:
            kind = value[start] if start < stop else 0
            if kind not in (_EXPIRES, _GRACES):
                raise BerError("a password policy's warning of an unknown kind")
            found["expires" if kind == _EXPIRES else "graces"], _ = integer(value, start, stop, kind)
        elif tag == _ERROR:
            found["error"], _ = integer(value, position, end, _ERROR)
        position = stop
    return PolicyAnswer(**found)


def _accepted(policy: PolicyAnswer) -> Verdict:
    if policy.error == _CHANGE_AFTER_RESET:
        return Verdict.MUST_CHANGE
    if policy.error == _PASSWORD_EXPIRED:
        return Verdict.EXPIRED
    if policy.graces is not None:
        return Verdict.GRACE
    return Verdict.EXPIRING if policy.expires is not None else Verdict.RIGHT
