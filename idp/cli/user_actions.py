"""What `idp user` does, over the services."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from idp.app.services import Services
from idp.auth.people import mail_of
from idp.cli.output import print_fields, print_json, print_note, print_table, styled
from idp.cli.run import operator
from idp.directory import Resource
from idp.errors import CallerError, NotFound
from idp.query import And, Compare, Filter, Op, Or, Query, fold
from idp.schema.urns import GATEHOUSE_USER

PAGE: Final = 500
AMBIGUOUS: Final = 10
"""Accounts that are named when an address belongs to several."""


class Ambiguous(CallerError):
    """Several accounts have the address that was to tell which one is meant."""

    def __init__(self, who: str, names: Sequence[str]) -> None:
        super().__init__(f"{who!r} belongs to several accounts: {', '.join(sorted(names))}")


@dataclass(frozen=True, slots=True)
class NewUser:
    """An account to make."""

    username: str
    email: str
    name: str | None
    role: str
    password: str | None = field(repr=False)
    mfa: str | None


async def create(services: Services, new: NewUser, *, json: bool) -> None:
    """Make an account."""
    document: dict[str, Any] = {"userName": new.username, "emails": [{"value": new.email, "primary": True}]}
    if new.name:
        document["displayName"] = new.name
    if new.password is not None:
        document["password"] = new.password
    user = await services.users.create(operator(), document, source="local", role=new.role, mfa=new.mfa)
    if new.password is None:
        await services.auth.passwords.send_reset(operator(), user.id)
        print_note(f"A link to set the first password is on its way to {new.email}.")
    _answer(user, f"{new.username} has been created with the id {user.id}.", json=json)


async def show_list(services: Services, search: str, *, inactive: bool, json: bool) -> None:
    """List accounts."""
    found = [_summary(user) async for user in _matching(services, search, inactive=inactive)]
    # Here and not in the store, whose pages go by id: what is printed is in memory in any case.
    rows = sorted(found, key=lambda row: fold(row["userName"]))
    if json:
        print_json(rows)
        return
    print_table(rows, ["userName", "displayName", "email", "role", "source", "active"], "No accounts.")
    print_note(styled(f"{len(rows)} accounts", "dim"))


async def show(services: Services, who: str, *, json: bool) -> None:
    """Show an account."""
    user = await find(services, who)
    groups = (await services.users.groups_of([user.id])).get(user.id, [])
    factors = await services.auth.factors.kinds(user.id)
    if json:
        print_json({**user.document, "groups": groups, "factors": factors, "version": user.version})
        return
    extension = user.document.get(GATEHOUSE_USER, {})
    status = extension.get("status", {})
    print_fields(
        {
            **_summary(user),
            "status": _in_words(status),
            "mfa": extension.get("mfa"),
            "factors": factors,
            "groups": [f"{group.get('display', group['value'])} ({group['type']})" for group in groups],
            "created": user.document["meta"]["created"],
            "changed": user.document["meta"]["lastModified"],
        }
    )


async def set_active(services: Services, who: str, active: bool, reason: str, *, json: bool) -> None:
    """Switch an account on or off."""
    user = await find(services, who)
    changed = await services.users.set_active(operator(), user.id, active, reason)
    _answer(changed, f"{_name(user)} is {'enabled' if active else 'disabled'}.", json=json)


async def delete(services: Services, who: str, *, json: bool) -> None:
    """Delete an account."""
    user = await find(services, who)
    await services.users.delete(operator(), user.id)
    _answer(user, f"{_name(user)} has been deleted.", json=json)


async def set_role(services: Services, who: str, role: str, *, json: bool) -> None:
    """Give another role."""
    user = await find(services, who)
    changed = await services.users.assign_role(operator(), user.id, role)
    _answer(changed, f"{_name(user)} has the role {role}.", json=json)


async def set_mfa(services: Services, who: str, policy: str, *, json: bool) -> None:
    """Set whether a second factor is asked for."""
    user = await find(services, who)
    changed = await services.users.set_mfa_policy(operator(), user.id, policy)
    _answer(changed, f"The second factor of {_name(user)} is {policy}.", json=json)


async def reset_mfa(services: Services, who: str, *, json: bool) -> None:
    """Remove second factors."""
    user = await find(services, who)
    await services.auth.factors.reset(operator(), user.id)
    _answer(user, f"The second factors of {_name(user)} are gone; the next login sets up new ones.", json=json)


async def reset_password(services: Services, who: str, password: str | None, *, json: bool) -> None:
    """Mail a reset link, or set a password."""
    user = await find(services, who)
    if password is None:
        await services.auth.passwords.send_reset(operator(), user.id)
        _answer(user, f"A link to set a new password is on its way to {_name(user)}.", json=json)
    else:
        await services.auth.passwords.set(operator(), user.id, password, must_change=True)
        _answer(user, f"{_name(user)} has the new password and will have to change it.", json=json)


async def enroll_totp(services: Services, who: str, *, json: bool) -> None:
    """Enrol TOTP and print the secret."""
    user = await find(services, who)
    secret, codes = await services.auth.factors.enrol_totp_now(operator(), user.id)
    if json:
        print_json({"id": user.id, "userName": _name(user), "secret": secret, "recoveryCodes": list(codes)})
        return
    print(secret)
    for code in codes:
        print(code)


async def find(services: Services, who: str) -> Resource:
    """Return the account of an id, else of a user name, else the only one with an address. Raises NotFound, Ambiguous.

    An id comes first: it is what scripts hold, and no name may lead them astray.
    """
    try:
        return await services.users.get(operator(), who)
    except NotFound:
        if user := await services.users.by_login(who):
            return user
        address = services.base.registry.resource_types["User"].resolve("emails.value").field
        query = Query(Compare(address, Op.EQ, who), limit=AMBIGUOUS, total=False)
        found = (await services.users.find(operator(), query)).records
        if len(found) > 1:
            raise Ambiguous(who, [_name(Resource.of(record)) for record in found]) from None
        raise


async def _matching(services: Services, search: str, *, inactive: bool) -> AsyncIterator[Resource]:
    kind = services.base.registry.resource_types["User"]
    terms: list[Filter] = []
    if search:
        fields = (kind.resolve(path).field for path in ("userName", "displayName", "emails.value"))
        terms.append(Or(tuple(Compare(field, Op.CO, search) for field in fields)))
    if inactive:
        terms.append(Compare(kind.resolve("active").field, Op.EQ, False))
    after: str | None = ""
    while after is not None:
        query = Query(And(tuple(terms)), limit=PAGE, after=after or None, total=False)
        records = (await services.users.find(operator(), query)).records
        for record in records:
            yield Resource.of(record)
        after = records[-1].id if len(records) == PAGE else None


def _answer(user: Resource, sentence: str, *, json: bool) -> None:
    if json:
        print_json(_summary(user))
    else:
        print(sentence)


def _summary(user: Resource) -> dict[str, Any]:
    document = user.document
    extension = document.get(GATEHOUSE_USER, {})
    return {
        "id": user.id,
        "userName": document["userName"],
        "displayName": document.get("displayName"),
        "email": mail_of(user),
        "role": extension.get("role"),
        "source": extension.get("source"),
        "active": document["active"],
    }


def _in_words(status: Mapping[str, str]) -> str | None:
    if not status:
        return None
    return f"{status.get('reason', '')} (since {status.get('since', '?')}, by {status.get('by', '?')})"


def _name(user: Resource) -> str:
    return str(user.document["userName"])
