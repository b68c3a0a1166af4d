"""How a stored document comes out of what a caller wants."""

import pytest

from idp.directory.documents import changed, created, differing, private_copy
from idp.errors import MutabilityViolated
from idp.schema import Attribute, Mutability, ResourceType, Schema, Type
from idp.schema.common import COMMON

_FIXED = Mutability.IMMUTABLE
BADGE = ResourceType(
    "Badge",
    "badges",
    "/Badges",
    "With values that are set once",
    Schema(
        "urn:example:Badge",
        "Badge",
        "With values that are set once",
        (
            Attribute("number", mutability=_FIXED),
            Attribute(
                "owner", type=Type.COMPLEX, sub_attributes=(Attribute("since", mutability=_FIXED), Attribute("note"))
            ),
        ),
    ),
    COMMON,
)


def badge() -> dict[str, object]:
    return created(BADGE, {"number": "7", "owner": {"since": "Monday", "note": "n"}}, "id-1", "2026-01-01T00:00:00Z")


def test_an_immutable_value_is_kept_when_it_is_left_out() -> None:
    assert changed(BADGE, badge(), {"owner": {"note": "other"}}) == {
        **badge(),
        "owner": {"since": "Monday", "note": "other"},
    }
    assert changed(BADGE, badge(), {"externalId": "x"})["owner"] == {"since": "Monday"}


def test_an_immutable_value_may_be_set_when_there_is_none() -> None:
    empty = created(BADGE, {}, "id-1", "2026-01-01T00:00:00Z")
    assert changed(BADGE, empty, {"number": "7"})["number"] == "7"


@pytest.mark.parametrize(
    ("wanted", "path"), [({"number": "8"}, "number"), ({"owner": {"since": "Friday"}}, "owner.since")]
)
def test_an_immutable_value_becomes_no_other(wanted: dict[str, object], path: str) -> None:
    with pytest.raises(MutabilityViolated) as caught:
        changed(BADGE, badge(), wanted)
    assert caught.value.path == path


def test_a_private_copy_shares_nothing() -> None:
    original = {"a": [{"b": 1}], "c": {"d": [1]}}
    copy = private_copy(original)
    copy["a"][0]["b"] = 2
    copy["c"]["d"].append(2)
    assert original == {"a": [{"b": 1}], "c": {"d": [1]}}


def test_only_what_a_caller_sees_makes_a_difference() -> None:
    before = {"id": "1", "title": "x", "meta": {"lastModified": "now"}, "schemas": ["a"]}
    assert differing(before, {"id": "1", "title": "x", "meta": {}, "schemas": []}) == frozenset()
    assert differing(before, {"id": "1", "nickName": "n"}) == {"title", "nickName"}
