"""Binds a shape to the attributes it names: from then on only the values are missing."""

from collections.abc import Callable, Sequence
from typing import Final, Protocol

from idp.clock import from_text
from idp.directory import MANAGER_NAME
from idp.errors import InvalidFilter, InvalidPath
from idp.query import And, Compare, Field, Filter, Kind, Not, Op, Or, Present, Scalar, ValuePath
from idp.schema.attribute import Attribute, Returned, Type, element_of
from idp.schema.common import META
from idp.schema.model import ResourceType
from scim.filter.shape import Condition, Junction, Negation, Selection, Shape
from scim.filter.shown import is_shown
from scim.names import resolve

Template = Callable[[Sequence[Scalar]], Filter]
"""A shape whose attributes are known; call it with the filter's values."""

_UNUSABLE: Final = "the attribute cannot be used in a filter"
_EQUALITY: Final = frozenset({Op.EQ, Op.NE})
_ORDER: Final = _EQUALITY | {Op.GT, Op.GE, Op.LT, Op.LE}
_SUBSTRING: Final = _EQUALITY | {Op.CO, Op.SW, Op.EW}

# RFC 7644 section 3.4.2.2: ordering booleans or binaries fails the request; part of a number or a moment means nothing.
_OPERATORS: Final[dict[Type, frozenset[Op]]] = {
    Type.BOOLEAN: _EQUALITY,
    Type.BINARY: _SUBSTRING,
    Type.INTEGER: _ORDER,
    Type.DECIMAL: _ORDER,
    Type.DATETIME: _ORDER,
    Type.COMPLEX: frozenset(),
}

# Opaque to clients (RFC 9110 section 8.8.3), so that no part of one and no order means anything.
_ENTITY_TAG: Final = META.sub("version")


class Scope(Protocol):
    """Where names are looked up: a resource, or an element of a multi-valued attribute."""

    def find(self, path: str) -> tuple[Attribute, tuple[str, ...]]:
        """Return the attribute and the document keys that lead to it. Raises InvalidFilter."""
        ...


class ResourceScope:
    """Names stand for attributes of a resource type."""

    def __init__(self, resource_type: ResourceType, *, dotted: bool = True) -> None:
        self._resource_type = resource_type
        self._dotted = dotted

    def find(self, path: str) -> tuple[Attribute, tuple[str, ...]]:
        """Return the attribute and its keys from the document's top."""
        try:
            target = resolve(self._resource_type, path, dotted=self._dotted)
        except InvalidPath as error:
            raise InvalidFilter(str(error)) from None
        # Of what is worked out on reading, the directory answers conditions on members, groups and managers' names.
        if target.attribute.derived and not target.chain[0].derived and not is_answered(target.keys):
            raise InvalidFilter(f"{path}: {_UNUSABLE}")
        return target.attribute, target.keys


def is_answered(keys: tuple[str, ...]) -> bool:
    """Tell whether conditions on what is worked out at these keys are answered when resources are looked for."""
    return keys == MANAGER_NAME or is_shown(keys)


class ElementScope:
    """Names stand for sub-attributes of one attribute, which is at `top`; the keys are relative to its element.

    `answered` tells of what is worked out on reading whether it may be asked for.
    """

    def __init__(
        self, attribute: Attribute, top: tuple[str, ...], answered: Callable[[tuple[str, ...]], bool] = is_answered
    ) -> None:
        self._attribute = element_of(attribute)
        self._top = top
        self._answered = answered

    def find(self, path: str) -> tuple[Attribute, tuple[str, ...]]:
        """Return the sub-attribute (at most two levels down, inside an extension) and its keys."""
        found, keys = self._attribute, ()  # type: tuple[Attribute, tuple[str, ...]]
        for name in path.split("."):
            inner = found.sub(name)
            if inner is None:
                raise InvalidFilter(f"{path}: {found.name} has no such sub-attribute")
            found, keys = inner, (*keys, inner.name)
        is_stored = self._attribute.derived and found.type is not Type.REFERENCE
        if found.derived and not is_stored and not self._answered(self._top + keys):
            raise InvalidFilter(f"{path}: {_UNUSABLE}")
        return found, keys


def bind(shape: Shape, scope: Scope) -> Template:
    """Look up every name of the shape and every operator it uses. Raises InvalidFilter."""
    match shape:
        case Condition():
            return _bind_condition(shape, *_find(scope, shape.path))
        case Selection():
            return _bind_selection(shape, scope)
        case Negation(term):
            inner = bind(term, scope)
            return lambda values: Not(inner(values))
        case Junction(op, terms):
            join = And if op == "and" else Or
            templates = [bind(term, scope) for term in terms]
            return lambda values: join(tuple(template(values) for template in templates))


def _find(scope: Scope, path: str) -> tuple[Attribute, tuple[str, ...]]:
    attribute, keys = scope.find(path)
    if attribute.returned is Returned.NEVER:
        raise InvalidFilter(f"{path}: {_UNUSABLE}")
    return attribute, keys


def _bind_selection(selection: Selection, scope: Scope) -> Template:
    attribute, keys = _find(scope, selection.path)
    if attribute.type is not Type.COMPLEX and not attribute.multi_valued:
        raise InvalidFilter(f"{selection.path}: only a complex or multi-valued attribute can be followed by [")
    inside = ElementScope(attribute, keys)
    field = Field(keys, attribute.kind, attribute.case_exact)
    inner = bind(selection.inner, inside)
    if selection.condition is None:
        return lambda values: ValuePath(field, inner(values))
    if not selection.condition.path and selection.condition.op == "pr":
        return lambda values: ValuePath(field, inner(values))
    also = _bind_condition(selection.condition, *_find(inside, selection.condition.path or "value"))
    return lambda values: ValuePath(field, And((inner(values), also(values))))


def _bind_condition(condition: Condition, attribute: Attribute, keys: tuple[str, ...]) -> Template:
    if condition.literal is None:
        present = Present(Field(keys, attribute.kind, attribute.case_exact))
        return lambda values: present
    op, index = Op(condition.op), condition.literal
    plain = Field(keys, attribute.kind, attribute.case_exact)
    compared, field = _comparable(attribute, plain)
    allowed = op in (_EQUALITY if compared is _ENTITY_TAG else _OPERATORS.get(compared.type, Op))
    path = condition.path or attribute.name

    def template(values: Sequence[Scalar]) -> Filter:
        value = values[index]
        if value is None and op in _EQUALITY:
            return Compare(plain, op, None)
        if not allowed:
            raise InvalidFilter(f"{path}: a {compared.type} attribute cannot be compared with {op}")
        if not _FITS[field.kind](value):
            raise InvalidFilter(f"{path}: {value!r:.100} is not a {compared.type} value")
        return Compare(field, op, value)

    return template


def _comparable(attribute: Attribute, field: Field) -> tuple[Attribute, Field]:
    """A complex attribute compares by its `value` sub-attribute, if it has one: `members eq "id"`."""
    value = attribute.sub("value") if attribute.type is Type.COMPLEX else None
    if value is None:
        return attribute, field
    return value, Field((*field.path, value.name), value.kind, value.case_exact)


def _is_moment(value: Scalar) -> bool:
    if not isinstance(value, str):
        return False
    try:
        from_text(value)
    except (ValueError, OverflowError):
        return False
    return True


_FITS: Final[dict[Kind, Callable[[Scalar], bool]]] = {
    Kind.STRING: lambda value: isinstance(value, str),
    Kind.BOOLEAN: lambda value: isinstance(value, bool),
    Kind.NUMBER: lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    Kind.DATETIME: _is_moment,
    Kind.COMPLEX: lambda value: False,
}
