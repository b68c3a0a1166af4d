"""Conditions on locations say of ids what they say of the prefix and the id together."""

from hypothesis import given
from hypothesis import strategies as st

from idp.query import And, Compare, Field, Filter, Not, Op, Or, Present, matches
from scim.filter.location import LOCATION, by_id

PREFIX = "a/aba/"
FIELD = Field(LOCATION)
TEXTS = st.text("ab/", max_size=9)
LEAVES = st.one_of(st.just(Present(FIELD)), st.builds(Compare, st.just(FIELD), st.sampled_from(Op), TEXTS))
NULLS = st.builds(Compare, st.just(FIELD), st.sampled_from([Op.EQ, Op.NE]), st.none())
FILTERS: st.SearchStrategy[Filter] = st.recursive(
    LEAVES | NULLS,
    lambda inner: st.one_of(
        st.builds(Not, inner),
        st.builds(lambda *terms: And(terms), inner, inner),
        st.builds(lambda *terms: Or(terms), inner, inner),
    ),
    max_leaves=3,
)


@given(filter=FILTERS, id=st.text("ab", min_size=1, max_size=4))
def test_they_agree_with_what_they_stand_for(filter: Filter, id: str) -> None:
    shown = {"id": id, "meta": {"location": PREFIX + id}}
    assert matches(by_id(filter, PREFIX), {"id": id}) == matches(filter, shown)


def test_the_location_of_one_is_found_by_its_id() -> None:
    assert by_id(Compare(FIELD, Op.EQ, f"{PREFIX}b"), PREFIX) == Compare(Field(("id",)), Op.EQ, "b")
