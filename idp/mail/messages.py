"""Every message that is sent, a function each; the folder of the same name below `templates` holds its words."""

from typing import Final

from idp.mail.compose import Message

_DAY: Final = 86400
# How long a notice is worth delivering when the mail server is away.
_NOTICE: Final = 3 * _DAY


def login_code(to: str, name: str, code: str, seconds: int) -> Message:
    """The code asked for at login."""
    return Message("login_code", to, seconds, {"name": name, "code": code, "minutes": seconds // 60})


def password_reset(to: str, name: str, login: str, token: str, seconds: int) -> Message:
    """The link to set a new password, asked for by the person or sent by an administrator."""
    values: dict[str, str | int] = {"name": name, "login": login, "token": token, "hours": seconds // 3600}
    return Message("password_reset", to, seconds, values)


def activation(to: str, name: str, login: str, token: str, seconds: int) -> Message:
    """The link with which a new person sets their first password."""
    return Message("activation", to, seconds, {"name": name, "login": login, "token": token, "days": seconds // _DAY})


def password_moved(to: str, name: str, login: str, token: str, seconds: int) -> Message:
    """The link with which a person whose password was a directory's so far sets one that is kept here."""
    values: dict[str, str | int] = {"name": name, "login": login, "token": token, "days": seconds // _DAY}
    return Message("password_moved", to, seconds, values)


def password_changed(to: str, name: str) -> Message:
    """Notice that the password is another one now."""
    return Message("password_changed", to, _NOTICE, {"name": name})


def factor_enrolled(to: str, name: str) -> Message:
    """Notice that an authenticator app was set up."""
    return Message("factor_enrolled", to, _NOTICE, {"name": name})


def factor_removed(to: str, name: str) -> Message:
    """Notice that the second factor is gone, by the person's or an administrator's hand."""
    return Message("factor_removed", to, _NOTICE, {"name": name})


def recovery_renewed(to: str, name: str) -> Message:
    """Notice that there are new recovery codes, and the old ones are void."""
    return Message("recovery_renewed", to, _NOTICE, {"name": name})


def recovery_used(to: str, name: str, left: int) -> Message:
    """Notice that a recovery code was used to log in, and how many are left."""
    return Message("recovery_used", to, _NOTICE, {"name": name, "left": left})


def directory_trouble(to: str, name: str, source: str, state: str, reason: str, run: str) -> Message:
    """Notice that a run of a directory has `failed`, or waits for a decision (`held`)."""
    values: dict[str, str | int] = {"name": name, "source": source, "state": state, "reason": reason, "run": run}
    return Message("directory_trouble", to, _NOTICE, values)
