"""What authentication reads off a user's document. Pure."""

from collections.abc import Mapping
from typing import Any

from idp.access import Actor, ActorKind
from idp.directory.model import Resource
from idp.directory.user_plans import role_of
from idp.schema.urns import GATEHOUSE_USER


def actor_of(user: Resource, address: str) -> Actor:
    """Return the person as an actor."""
    return Actor(ActorKind.USER, user.id, user.document["userName"], role_of(user.document), address=address)


def is_active(user: Resource) -> bool:
    """Tell whether the account is switched on."""
    return user.document.get("active") is True


def source_name(user: Resource) -> str:
    """Return where the account comes from: `local`, `ldap:<name>`, `scim:<client>`."""
    return _own(user).get("source") or "local"


def has_local_password(user: Resource) -> bool:
    """Tell whether the password is kept here rather than in a directory."""
    return not source_name(user).startswith("ldap:")


def mfa_policy(user: Resource, default: str) -> str:
    """Return "off", "optional" or "required": the account's own policy, else the general one."""
    return _own(user).get("mfa") or default


def mail_of(user: Resource) -> str | None:
    """Return the address to write to: the primary one, else the first."""
    emails = [email for email in user.document.get("emails", ()) if email.get("value")]
    primary = [email["value"] for email in emails if email.get("primary") is True]
    return next((str(value) for value in (*primary, *(email["value"] for email in emails))), None)


def greeting_of(user: Resource) -> str:
    """Return what to call the person in a letter."""
    document = user.document
    return str(document.get("displayName") or document.get("name", {}).get("formatted") or document["userName"])[:100]


def names_of(document: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the names that a password must not be made of: the login name and the addresses' local parts."""
    mails = (str(email.get("value", "")).partition("@")[0] for email in document.get("emails", ()))
    return (str(document["userName"]).partition("@")[0], *mails)


def masked(mail: str) -> str:
    """Return an address as a hint that tells its owner which one it is, and others little."""
    local, _, domain = mail.rpartition("@")
    return f"{local[:1]}…@{domain}"


def _own(user: Resource) -> Mapping[str, Any]:
    own: Mapping[str, Any] = user.document.get(GATEHOUSE_USER, {})
    return own
