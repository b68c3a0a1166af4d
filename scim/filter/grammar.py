"""Reads a filter's shape with the grammar of scim2-filter-parser; nobody else imports that library."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from scim2_filter_parser import ast
from scim2_filter_parser.parser import SCIMParser, SCIMParserError

from idp.errors import InvalidFilter
from scim.filter.shape import Condition, Junction, Negation, Selection, Shape

# The library's own lexer takes the first letters of `nullable` for a literal.
_TOKEN: Final = re.compile(
    r"""\.(?P<SUBATTR>[a-z$][a-z0-9_$-]*)
    | [ \t]*(?:
      "(?P<COMP_VALUE>\d+)"
    | (?P<SCHEMA_URI>[a-z]+:[a-z0-9:._-]+(?=:[a-z$])):
    | (?P<ATTRNAME>[a-z$][a-z0-9_$-]*)
    | (?P<LPAREN>\() | (?P<RPAREN>\)) | (?P<LBRACKET>\[) | (?P<RBRACKET>\])
    )""",
    re.VERBOSE | re.IGNORECASE | re.ASCII,
)
_KEYWORDS: Final = frozenset({"EQ", "NE", "CO", "SW", "EW", "GT", "GE", "LT", "LE", "PR", "AND", "OR", "NOT"})


@dataclass(slots=True)
class _Token:
    """What the library's parser asks of a token."""

    type: str
    value: str
    index: int
    end: int
    lineno: int = 1


class _Parser(SCIMParser):  # type: ignore[misc] # the library has no annotations
    """The library's rules with the precedence of RFC 7644 section 3.4.2.2: `and` binds tighter than `or`.

    sly builds the tables from the names in the class body, so the rules are named again.
    """

    tokens = SCIMParser.tokens
    precedence = (("left", "OR"), ("left", "AND"), ("right", "NOT"))
    filter = SCIMParser.filter
    value_path = SCIMParser.value_path
    attr_exp = SCIMParser.attr_exp
    log_exp = SCIMParser.log_exp
    comp_value = SCIMParser.comp_value
    attr_path = SCIMParser.attr_path
    sub_attr = SCIMParser.sub_attr

    def error(self, token: _Token | None) -> None:
        """Say where the shape stops making sense."""
        if token is None:
            raise InvalidFilter("the filter ends too early")
        what = "value" if token.type == "COMP_VALUE" else repr(token.value)
        raise InvalidFilter(f"unexpected {what} after {token.index} characters of the filter, values left out")


def parse(shape: str) -> Shape:
    """Read a shape as `take_literals` leaves it. Raises InvalidFilter."""
    try:
        return _filter(_Parser().parse(_tokens(shape.rstrip())))
    except SCIMParserError:
        raise InvalidFilter("a selection is followed by more than one sub-attribute") from None


def _tokens(shape: str) -> Iterator[_Token]:
    position = 0
    while position < len(shape):
        match = _TOKEN.match(shape, position)
        if match is None or match.lastgroup is None:
            raise InvalidFilter(f"{shape[position:].lstrip()[:1]!a} cannot stand in a filter")
        value = match[match.lastgroup]
        keyword = value.upper()
        kind = keyword if match.lastgroup == "ATTRNAME" and keyword in _KEYWORDS else match.lastgroup
        yield _Token(kind, value, position, match.end())
        position = match.end()


def _filter(node: Any) -> Shape:
    inner = _expression(node)
    return Negation(inner) if node.negated else inner


def _expression(node: Any) -> Shape:
    """Translate what a Filter node of the library wraps."""
    if node.namespace is not None:
        return Selection(_path(node.namespace), _filter(node.expr))
    match node.expr:
        case ast.LogExpr():
            return _junction(node.expr)
        case ast.AttrExpr():
            return _condition(node.expr)
        case _:
            return _filter(node.expr)


def _junction(expression: Any) -> Junction:
    """Gather `a or b or c`, which the library nests to the left, into one level."""
    op = expression.op.lower()
    terms: list[Shape] = []
    node: Any = expression
    while isinstance(node, ast.LogExpr) and node.op.lower() == op:
        terms.append(_filter(node.expr2))
        left = node.expr1
        node = left.expr if not left.negated and left.namespace is None else left
    terms.append(_filter(left))
    return Junction(op, tuple(reversed(terms)))


def _condition(expression: Any) -> Shape:
    op = expression.value.lower()
    literal = int(expression.comp_value.value) if expression.comp_value is not None else None
    path = expression.attr_path
    if not isinstance(path.attr_name, ast.Filter):
        return Condition(_path(path), op, literal)
    # `emails[type eq "work"].value eq "x"`: the library hangs the sub-attribute on the selection's own path.
    selection = path.attr_name if path.attr_name.namespace is not None else path.attr_name.expr
    namespace = selection.namespace
    sub = namespace.sub_attr.value if namespace.sub_attr is not None else ""
    return Selection(_path(namespace, sub=False), _filter(selection.expr), Condition(sub, op, literal))


def _path(node: Any, *, sub: bool = True) -> str:
    if isinstance(node.attr_name, ast.Filter):
        raise InvalidFilter("the filter selects twice from one attribute")
    text = node.attr_name if node.uri is None else f"{node.uri}:{node.attr_name}"
    return f"{text}.{node.sub_attr.value}" if sub and node.sub_attr is not None else text
