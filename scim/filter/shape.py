"""A filter without its values: what the grammar reads and what is bound to a resource type."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Condition:
    """`path op literal`; `literal` counts the filter's values from 0 and is None for `pr`.

    The path is as written, URN and all; empty when the test is on an element itself (`emails[…] eq "x"`).
    """

    path: str
    op: str
    literal: int | None


@dataclass(frozen=True, slots=True)
class Selection:
    """`path[inner]`, and with `condition` what the selected element must satisfy beside (`emails[…].value eq "x"`)."""

    path: str
    inner: "Shape"
    condition: Condition | None = None


@dataclass(frozen=True, slots=True)
class Junction:
    """Terms joined by one of `and` and `or`."""

    op: str
    terms: tuple["Shape", ...]


@dataclass(frozen=True, slots=True)
class Negation:
    """`not (term)`."""

    term: "Shape"


Shape = Condition | Selection | Junction | Negation
