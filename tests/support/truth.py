"""The directory as ldapsearch shows it, person by person, beside the accounts as we keep them."""

import asyncio
from base64 import b64encode
from collections.abc import Mapping
from typing import Any

from idp.schema.urns import ENTERPRISE_USER, GATEHOUSE_USER
from idp.store import Store
from ldap_bridge.dn import DnError, key
from tests.support.administered import Administered
from tests.support.clock import START
from tests.support.directory import everything

Attributes = Mapping[str, list[bytes]]


async def differences(store: Store, server: Administered) -> list[str]:
    """Return everything in which accounts, groups and memberships differ from the directory; best none."""
    # In a thread: a driver whose heartbeat waits for a program takes its server for lost.
    people = await asyncio.to_thread(_by_stable_id, server, "inetOrgPerson")
    groups = await asyncio.to_thread(_by_stable_id, server, "groupOfNames")
    users = [user for user in await everything(store, "users") if user[GATEHOUSE_USER]["source"] == "ldap:corp"]
    kept = {group["externalId"]: group for group in await everything(store, "groups")}
    return [
        *_people(people, {user["externalId"]: user for user in users}),
        *([] if len(users) == len({user["externalId"] for user in users}) else ["somebody has two accounts"]),
        *(f"group {stable} is missing" for stable in groups.keys() - kept.keys()),
        *(f"group {stable} is left over" for stable in kept.keys() - groups.keys()),
        *(f"group {name}" for stable, found in groups.items() if (name := _text(found, "cn")) != _name(kept, stable)),
        *_managers(people, users),
        *await _members(store, people, groups, users, kept),
    ]


def _by_stable_id(server: Administered, object_class: str) -> dict[str, Attributes]:
    found = _entries(server, f"(objectClass={object_class})")
    return {one[server.stable][0].decode(): one for one in found}


def _people(people: Mapping[str, Attributes], users: Mapping[str, dict[str, Any]]) -> list[str]:
    found = [f"{_text(people[stable], 'uid')} is missing" for stable in people.keys() - users.keys()]
    for stable, user in users.items():
        if stable not in people:
            found += [f"{user['userName']} is gone and active"] if user["active"] else []
        elif (wanted := _account(people[stable])) != (have := {name: _at(user, name) for name in wanted}):
            found.append(f"{wanted} is {have}")
    return found


def _account(entry: Attributes) -> dict[str, Any]:
    """The account that an entry should be, as far as tests change it."""
    mail = _text(entry, "mail")
    name = {"formatted": "cn", "givenName": "givenName", "familyName": "sn"}
    return {
        "userName": _text(entry, "uid"),
        "name": {part: text for part, attribute in name.items() if (text := _text(entry, attribute))},
        "displayName": _text(entry, "displayName") or _text(entry, "cn"),
        "title": _text(entry, "title"),
        "emails": [{"value": mail.lower(), "type": "work", "primary": True}] if mail else None,
        "department": _text(entry, "departmentNumber"),
        "photos": [{"value": _url(photo), "type": "photo"} for photo in entry.get("jpegPhoto", ())] or None,
        "active": _may_be_used(entry),
    }


def _url(photo: bytes) -> str:
    kind = "png" if photo.startswith(b"\x89PNG") else "jpeg"
    return f"data:image/{kind};base64,{b64encode(photo).decode()}"


def _may_be_used(entry: Attributes) -> bool:
    """Whether the account is neither locked for good nor had expired when tests begin."""
    expires = int(entry.get("shadowExpire", [b"-1"])[0])
    is_over = expires >= 0 and expires * 86_400 <= START.timestamp()
    is_locked = b"000001010000Z" in entry.get("pwdAccountLockedTime", ()) or b"true" in entry.get("nsAccountLock", ())
    return not is_over and not is_locked


def _at(user: Mapping[str, Any], name: str) -> Any:
    if name in ("department", "manager"):
        return user.get(ENTERPRISE_USER, {}).get(name)
    return user.get(name)


def _managers(people: Mapping[str, Attributes], users: list[dict[str, Any]]) -> list[str]:
    """Compare who reports to whom by stable id; a manager whose entry is not there is none."""
    names = {key(found["dn"][0].decode()): stable for stable, found in people.items()}
    ids = {user["id"]: user["externalId"] for user in users}
    have = {
        (user["externalId"], ids.get(manager["value"], "nobody"))
        for user in users
        if user["externalId"] in people and (manager := _at(user, "manager"))
    }
    want = {
        (stable, names[boss])
        for stable, found in people.items()
        if (boss := _key(found.get("manager", [b""])[0])) in names
    }
    return [f"manager {pair} is wrong" for pair in have ^ want]


async def _members(
    store: Store,
    people: Mapping[str, Attributes],
    groups: Mapping[str, Attributes],
    users: list[dict[str, Any]],
    kept: Mapping[str, dict[str, Any]],
) -> list[str]:
    """Compare memberships by stable id; a member whose entry is not there is none."""
    stables = {found["dn"][0].decode(): stable for stable, found in (*people.items(), *groups.items())}
    names = {key(dn): stable for dn, stable in stables.items()}
    ids = {found["id"]: found["externalId"] for found in (*users, *kept.values())}
    have = {(ids[edge["group"]], ids[edge["member"]]) for edge in await everything(store, "edges")}
    want = {
        (stable, names[member])
        for stable, found in groups.items()
        for value in found.get("member", ())
        if (member := _key(value)) in names and names[member] != stable
    }
    return [f"membership {pair} is wrong" for pair in have ^ want]


def _key(dn: bytes) -> str:
    try:
        return key(dn.decode())
    except DnError:
        return ""


def _entries(server: Administered, wanted: str) -> list[dict[str, list[bytes]]]:
    return [{**found, "dn": [dn.encode()]} for dn, found in server.search(wanted).items()]


def _text(entry: Attributes, name: str) -> str | None:
    values = entry.get(name)
    return values[0].decode() if values else None


def _name(kept: Mapping[str, dict[str, Any]], stable: str) -> str | None:
    return kept[stable]["displayName"] if stable in kept else None
