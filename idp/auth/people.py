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
    """Return the address to write to."""
    return primary_mail(user.document)


def primary_mail(document: Mapping[str, Any]) -> str | None:
    """Return the address that is the person's: the primary one, else the first."""
    emails = [email for email in document.get("emails", ()) if email.get("value")]
    chosen = next((email for email in emails if email.get("primary") is True), emails[0] if emails else None)
    return str(chosen["value"]) if chosen else None


def name_of(document: Mapping[str, Any]) -> str:
    """Return what to call a person: the name chosen to be shown, else the full name, else the login name."""
    return str(document.get("displayName") or full_name(document.get("name") or {}) or document["userName"])


def full_name(name: Mapping[str, Any]) -> str:
    """Return a name's parts as one text."""
    given_and_family = " ".join(str(name[key]) for key in ("givenName", "familyName") if name.get(key))
    return str(name.get("formatted") or given_and_family)


def greeting_of(user: Resource) -> str:
    """Return what to call the person in a letter."""
    return name_of(user.document)[:100]


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
