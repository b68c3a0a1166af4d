"""Profiles: which liberties a client may take with the protocol, as a table (RFC 7643, RFC 7644).

A switch that is on lets through what the RFCs do not ask for. Every switch is one that a client in use needs.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from idp.schema import EXACT, LENIENT, Lenience


class PatchAnswer(StrEnum):
    """What a PATCH is answered with that does not ask for attributes; RFC 7644 section 3.5.2 leaves the choice."""

    USUAL = "usual"
    """200 and the resource for users, 204 for groups, whose members can be many."""
    RESOURCE = "resource"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Profile:
    """How the requests of a client are read, and how a PATCH is answered.

    `documents` is what is understood of values and documents. `any_case_ops`: `Replace` for `replace`.
    `dotted_extensions`: `urn:…:User.manager` in paths and filters. `missing_schemas`: messages and resources without
    `schemas`. `unknown_attributes`: they are passed over, else refused. `read_only_in_patch`: readOnly keys in a PATCH
    without a path are passed over, else refused. `missing_elements`: an element that a path's filter describes and does
    not find is made (and removing it is no error), else noTarget. `remove_by_value`: a remove takes away the elements
    named in `value`.
    """

    name: str
    description: str
    documents: Lenience = LENIENT
    any_case_ops: bool = True
    dotted_extensions: bool = True
    missing_schemas: bool = True
    unknown_attributes: bool = True
    read_only_in_patch: bool = True
    missing_elements: bool = True
    remove_by_value: bool = True
    patch_answer: PatchAnswer = PatchAnswer.USUAL

    def answers_with_resource(self, *, usual: bool) -> bool:
        """Tell whether a PATCH is answered with the resource, where `usual` says what this server does of its own."""
        return usual if self.patch_answer is PatchAnswer.USUAL else self.patch_answer is PatchAnswer.RESOURCE


STANDARD: Final = Profile("standard", "Whatever any known client sends, as long as its meaning is plain.")
STRICT: Final = Profile(
    "strict",
    "The RFCs to the letter: for tests of a client, and for clients of one's own.",
    documents=EXACT,
    any_case_ops=False,
    dotted_extensions=False,
    missing_schemas=False,
    unknown_attributes=False,
    read_only_in_patch=False,
    missing_elements=False,
    remove_by_value=False,
)
_ENTRA: Final = replace(STANDARD, name="entra", description="Microsoft Entra ID.", missing_schemas=False)
_OKTA: Final = replace(
    STRICT,
    name="okta",
    description="Okta.",
    documents=replace(EXACT, one_or_many=True, joined_keys=True, foreign_schemas=True),
    unknown_attributes=True,
    read_only_in_patch=True,
    missing_elements=True,
)
_ONELOGIN: Final = replace(
    STANDARD,
    name="onelogin",
    description="OneLogin, also with the schemas of SCIM 1.1.",
    documents=replace(LENIENT, bare_value=False),
    dotted_extensions=False,
)

PROFILES: Final[Mapping[str, Profile]] = {
    profile.name: profile for profile in (STANDARD, STRICT, _ENTRA, _OKTA, _ONELOGIN)
}


def profile_named(name: str) -> Profile:
    """Return the profile of that name; a client without one, or with one that is no more, is read like any."""
    return PROFILES.get(name, STANDARD)
