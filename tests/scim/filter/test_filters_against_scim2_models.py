"""Random filters mean the same to us and to scim2-models, whose grammar and evaluator nobody here wrote."""

import json
from contextlib import suppress
from random import Random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from scim2_models import EnterpriseUser, ScimFilter, User

from idp.errors import InvalidFilter
from idp.query import matches
from idp.schema import USER
from idp.schema.urns import ENTERPRISE_USER
from scim.filter import resource_filters
from tests.fuzz.odd import FILTERS, spoilt

filters = resource_filters(USER)
# The other reader also minds what is in a value of type binary.
SAMPLES = [text for text in FILTERS if "x509" not in text]

# Few values, so that comparisons hit; with what a careless reader would take for syntax.
TEXTS = ["", "a", "A", "b", "ab", 'q"or', "x] and (", "\\", "é", "true", "1", "work"]
MOMENTS = ["2026-03-11T10:00:00Z", "2026-03-11T11:00:00+01:00", "2026-03-12T00:00:00.5Z", "2020-01-01T00:00:00Z"]
STRINGS = ["userName", "title", "nickName", "name.givenName", "name.familyName", "displayName"]
PLURAL = ["roles.type", "roles.value", "entitlements.value", "entitlements.type"]
EXTENDED = [f"{ENTERPRISE_USER}:department", f"{ENTERPRISE_USER}:costCenter"]

text = st.sampled_from(TEXTS)
string_ops = st.sampled_from(["eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le"])


def any_case(names: list[str]) -> st.SearchStrategy[str]:
    return st.sampled_from([spelling for name in names for spelling in (name, name.lower(), name.upper())])


def comparison(names: list[str]) -> st.SearchStrategy[str]:
    return st.builds(lambda n, op, v: f"{n} {op} {json.dumps(v)}", any_case(names), string_ops, text)


def inside() -> st.SearchStrategy[str]:
    leaf = comparison(["type", "value"]) | st.sampled_from(["type pr", "primary eq true", "primary pr"])
    return st.recursive(leaf, _joined, max_leaves=3)


def _joined(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    pair = st.builds(lambda x, op, y: f"{x} {op} {y}", inner, st.sampled_from(["and", "or", "AND", "Or"]), inner)
    return pair | st.builds("({})".format, pair) | st.builds("not ({})".format, inner)


leaves = (
    comparison(STRINGS)
    | comparison(PLURAL)
    | comparison(EXTENDED)
    | st.builds("{} pr".format, any_case([*STRINGS, *PLURAL, *EXTENDED, "roles", "name", "active"]))
    | st.builds("active {} {}".format, st.sampled_from(["eq", "ne"]), st.sampled_from(["true", "false"]))
    | st.builds(
        lambda op, moment: f'meta.created {op} "{moment}"',
        st.sampled_from(["eq", "ne", "gt", "ge", "lt", "le"]),
        st.sampled_from(MOMENTS),
    )
    | st.builds("{}[{}]".format, any_case(["roles", "entitlements"]), inside())
)
filter_texts = st.recursive(leaves, _joined, max_leaves=6)

element = st.fixed_dictionaries({}, optional={"type": text, "value": text, "primary": st.booleans()})
documents = st.fixed_dictionaries(
    {"userName": text},
    optional={
        "title": text,
        "nickName": text,
        "displayName": text,
        "active": st.booleans(),
        "name": st.fixed_dictionaries({}, optional={"givenName": text, "familyName": text}),
        "roles": st.lists(element, min_size=1, max_size=3),
        "entitlements": st.lists(element, min_size=1, max_size=3),
        "meta": st.builds(lambda moment: {"created": moment}, st.sampled_from(MOMENTS)),
        ENTERPRISE_USER: st.fixed_dictionaries({}, optional={"department": text, "costCenter": text}),
    },
)


@given(filter_texts, documents)
def test_a_filter_selects_what_the_other_reader_would_select(text: str, document: dict[str, Any]) -> None:
    user = User[EnterpriseUser].model_validate({"schemas": [USER.schema.id, ENTERPRISE_USER], **document})
    assert matches(filters.read(text), document) == ScimFilter[User[EnterpriseUser]](text).match(user)


@given(st.sampled_from(SAMPLES), st.randoms(use_true_random=False), st.integers(1, 3))
def test_nothing_is_read_that_the_other_reader_cannot_read(text: str, dice: Random, times: int) -> None:
    for _ in range(times):
        text = spoilt(dice, text)
    with suppress(InvalidFilter):
        filters.read(text)
        ScimFilter[User[EnterpriseUser]](text)
