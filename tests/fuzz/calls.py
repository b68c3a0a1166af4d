"""Well-formed requests of every operation, from which the odd ones are made."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

from idp.schema.urns import ENTERPRISE_USER, GROUP, USER
from tests.fuzz import odd
from tests.fuzz.request import Call, message


@dataclass
class Known:
    """What there is to ask about, as the last look at the directory showed it."""

    users: list[str] = field(default_factory=list)
    groups: list[str] = field(default_factory=list)
    cursor: str = ""

    def user(self, dice: Random) -> str:
        """Return the id of some user."""
        return dice.choice(self.users or ["nobody"])

    def group(self, dice: Random) -> str:
        """Return the id of some group."""
        return dice.choice(self.groups or ["nobody"])


Maker = Callable[[Random, Known], Call]


def user(dice: Random, known: Known) -> dict[str, Any]:
    """Return a user with a bit of everything."""
    number = dice.randrange(100_000)
    whole = {
        "schemas": [USER, ENTERPRISE_USER],
        "userName": f"fuzz{number}@example.org",
        "externalId": f"x-{number}",
        "name": {"givenName": "Fay", "familyName": f"Fuzz{number}"},
        "displayName": f"Fay {number}",
        "title": "Dr",
        "active": dice.random() < 0.9,
        "password": "a river runs uphill" if dice.random() < 0.02 else None,
        "emails": [{"value": f"fuzz{number}@example.org", "type": "work", "primary": True}, {"value": "b@example.org"}],
        "phoneNumbers": [{"value": "+1 555", "type": "mobile"}],
        "addresses": [{"type": "home", "locality": "Bern", "formatted": "Bern"}],
        "roles": [{"value": "reader"}],
        ENTERPRISE_USER: {"department": "Art", "manager": {"value": known.user(dice)}},
    }
    kept = {key: value for key, value in whole.items() if value is not None and dice.random() < 0.7}
    return {"userName": whole["userName"], **kept}


def group(dice: Random, known: Known) -> dict[str, Any]:
    """Return a group of some people, now and then with a group in it."""
    members = [{"value": known.user(dice)} for _ in range(dice.randrange(4))]
    if dice.random() < 0.3:
        members.append({"value": known.group(dice), "type": "Group"})
    return {"schemas": [GROUP], "displayName": f"fuzz group {dice.randrange(100_000)}", "members": members}


def _listed(dice: Random, known: Known) -> Call:
    choices: dict[str, Callable[[], str]] = {
        "filter": lambda: dice.choice(odd.FILTERS),
        "sortBy": lambda: dice.choice(("userName", "displayName", "emails", "meta.created", "id", "title")),
        "sortOrder": lambda: dice.choice(("ascending", "descending")),
        "startIndex": lambda: dice.choice(("1", "2", "50")),
        "count": lambda: dice.choice(("0", "1", "3", "100")),
        "attributes": lambda: dice.choice(("userName", "emails.value,groups", f"{ENTERPRISE_USER}:manager")),
        "cursor": lambda: dice.choice(("", known.cursor)),
    }
    query = [(name, make()) for name, make in choices.items() if dice.random() < 0.4]
    return Call("GET", dice.choice(("/Users", "/Users", "/Groups", "/Groups", "/")), query)


def _searched(dice: Random, known: Known) -> Call:
    listed = _listed(dice, known)
    body: dict[str, Any] = {name: int(text) if text.isdecimal() else text for name, text in listed.query}
    return Call("POST", f"{listed.path.rstrip('/')}/.search", body=dict(message("SearchRequest", **body)))


def _user_patch(dice: Random, known: Known) -> dict[str, Any]:
    operation = dice.choice(
        (
            {"op": "replace", "path": "title", "value": dice.choice(("Dr", "Prof"))},
            {"op": "add", "path": "emails", "value": [{"value": f"{dice.randrange(9)}@example.org", "type": "home"}]},
            {"op": "remove", "path": 'emails[type eq "home"]'},
            {"op": "replace", "path": 'emails[type eq "work"].value', "value": f"{dice.randrange(9)}@example.net"},
            {"op": "replace", "value": {"active": dice.random() < 0.8, "name.givenName": "Joy"}},
            {"op": "add", "path": f"{ENTERPRISE_USER}:manager", "value": {"value": known.user(dice)}},
            {"op": "remove", "path": dice.choice(("nickName", "phoneNumbers", "roles", ENTERPRISE_USER))},
        )
    )
    return dict(message("PatchOp", Operations=[operation]))


def _group_patch(dice: Random, known: Known) -> dict[str, Any]:
    who = known.user(dice)
    operation = dice.choice(
        (
            {"op": "add", "path": "members", "value": [{"value": who}, {"value": known.user(dice)}]},
            {"op": "remove", "path": f'members[value eq "{who}"]'},
            {"op": "remove", "path": "members", "value": [{"value": who}]},
            {"op": "remove", "path": 'members[type eq "User" and display sw "F"]'},
            {"op": "replace", "path": "members", "value": [{"value": who}]},
            {"op": "replace", "value": {"displayName": f"renamed {dice.randrange(9)}"}},
        )
    )
    return dict(message("PatchOp", Operations=[operation]))


def _bulk(dice: Random, known: Known) -> Call:
    group_of_new = group(dice, known) | {"members": [{"value": "bulkId:a"}]}
    reporting = user(dice, known) | {ENTERPRISE_USER: {"manager": {"value": "bulkId:a"}}}
    operations = [
        {"method": "POST", "path": "/Users", "bulkId": "a", "data": user(dice, known)},
        {"method": "POST", "path": "/Users", "bulkId": "b", "data": reporting},
        {"method": "POST", "path": "/Groups", "bulkId": "g", "data": group_of_new},
        {"method": "PATCH", "path": f"/Users/{known.user(dice)}", "data": _user_patch(dice, known)},
        {"method": "PATCH", "path": f"/Groups/{known.group(dice)}", "data": _group_patch(dice, known)},
        {"method": "PUT", "path": f"/Users/{known.user(dice)}", "data": user(dice, known)},
        {"method": "DELETE", "path": f"/Users/{known.user(dice)}"},
    ]
    chosen = dice.sample(operations, dice.randrange(1, 5))
    limit = {"failOnErrors": dice.randrange(1, 3)} if dice.random() < 0.3 else {}
    return Call("POST", "/Bulk", body=dict(message("BulkRequest", Operations=chosen, **limit)))


def _discovery(dice: Random, known: Known) -> Call:
    paths = ("/ServiceProviderConfig", "/ResourceTypes", "/Schemas", "/ResourceTypes/User", f"/Schemas/{USER}")
    return Call("GET", dice.choice(paths))


MAKERS: Final[Sequence[Maker]] = (
    _listed,
    _listed,
    _searched,
    _bulk,
    _discovery,
    lambda dice, known: Call("POST", "/Users", body=user(dice, known)),
    lambda dice, known: Call("POST", "/Groups", body=group(dice, known)),
    lambda dice, known: Call("GET", f"/Users/{known.user(dice)}"),
    lambda dice, known: Call("GET", f"/Groups/{known.group(dice)}"),
    lambda dice, known: Call("PUT", f"/Users/{known.user(dice)}", body=user(dice, known)),
    lambda dice, known: Call("PUT", f"/Groups/{known.group(dice)}", body=group(dice, known)),
    lambda dice, known: Call("PATCH", f"/Users/{known.user(dice)}", body=_user_patch(dice, known)),
    lambda dice, known: Call("PATCH", f"/Users/{known.user(dice)}", body=_user_patch(dice, known)),
    lambda dice, known: Call("PATCH", f"/Groups/{known.group(dice)}", body=_group_patch(dice, known)),
    lambda dice, known: Call("DELETE", f"/Users/{known.user(dice)}"),
    lambda dice, known: Call("DELETE", f"/Groups/{known.group(dice)}"),
    lambda dice, known: Call("GET", "/Me"),
    lambda dice, known: Call("PATCH", "/Me", body=_user_patch(dice, known)),
    lambda dice, known: Call("PUT", "/Me", body=user(dice, known)),
)


def call(dice: Random, known: Known) -> Call:
    """Return a request that a good client might make; one in ten changes asks for a dry run."""
    made = dice.choice(MAKERS)(dice, known)
    if made.method in ("POST", "PUT", "PATCH", "DELETE") and dice.random() < 0.1:
        made.query.append(("dryRun", "true"))
    return made
