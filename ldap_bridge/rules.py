"""The mapping table of a source, compiled once: from LDAP attributes to one SCIM document."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from idp.errors import ConfigError, InvalidPath
from idp.schema import Attribute, Mutability, ResourceType, Returned, Type
from idp.schema.urns import ENTERPRISE_USER
from ldap_bridge.sections import RuleSettings
from ldap_bridge.transforms import BOOLEAN, TRANSFORMS, Transform, Unreadable, Value, extract, join, photo

Document = dict[str, Any]
Attributes = Mapping[str, Sequence[bytes]]
Getter = Callable[[Attributes], list[Value]]
Setter = Callable[[Document, list[Value]], None]
Path = tuple[str, ...]

HIDDEN: Final = "(secret)"
MANAGER: Final = (ENTERPRISE_USER, "manager")
# attribute[type].sub, with the URN of an extension before it if need be
_PATH: Final = re.compile(r"(?P<head>(?:urn:.+:)?[A-Za-z$][\w$-]*)(?:\[(?P<type>\w+)\])?(?:\.(?P<sub>[\w$-]+))?")
_FIELD: Final = re.compile(r"\{([A-Za-z][\w;-]*)\}")
_NOT_OURS: Final = frozenset({"id", "meta", "schemas", "groups", "members", "password"})


class BadValue(Exception):
    """An entry's attribute cannot be mapped."""

    def __init__(self, attribute: str, reason: str) -> None:
        super().__init__(f"{attribute}: {reason}")


@dataclass(frozen=True, slots=True)
class Rule:
    """One line of the table: which attributes it reads, how, and where the result goes.

    `path` is the line's left side as written, `how` its template or transform, and `leaf` what takes a value.
    """

    attributes: tuple[str, ...]
    get: Getter
    put: Setter
    place: Path
    path: str
    how: str
    leaf: Attribute


@dataclass(frozen=True, slots=True)
class Table:
    """All rules of a resource type. `owned` are the document's places that the directory decides.

    What stands at the `secret` ones is never shown (RFC 7643 section 7, returned "never").
    """

    rules: tuple[Rule, ...]
    owned: tuple[Path, ...]
    attributes: tuple[str, ...]
    secret: frozenset[Path] = frozenset()

    def apply(self, attributes: Attributes) -> Document:
        """Return the document that an entry's attributes make. Raises BadValue."""
        document: Document = {}
        for rule in self.rules:
            try:
                values = rule.get(attributes)
            except Unreadable as error:
                raise BadValue("|".join(rule.attributes), str(error)) from None
            if values:
                rule.put(document, values)
        return document

    def shown(self, place: Path, value: Any) -> Any:
        """Return what may be shown of a value at a place."""
        return HIDDEN if place in self.secret and value is not None else value

    def part(self, place: Path) -> "Table":
        """Return the rules of one place."""
        return Table(tuple(rule for rule in self.rules if rule.place == place), (place,), self.attributes)


def compile_table(settings: Mapping[str, str | RuleSettings], kind: ResourceType, prefix: str) -> Table:
    """Compile a table; raises ConfigError with the key of the rule that is wrong. Rules of "" are left out."""
    rules: list[Rule] = []
    owned: dict[Path, None] = {}
    mapped: set[Path] = set()
    for path, given in settings.items():
        rule = RuleSettings(source=given) if isinstance(given, str) else given
        if not rule.source and not rule.template:
            continue
        key = f'{prefix}."{path}"'
        place, leaf, put = _place(path, kind, rule, key)
        names, get = _getter(rule, key)
        rules.append(Rule(names, get, put, place, path, rule.template or rule.transform, leaf))
        mapped.add(place)
        if not rule.shared:
            owned[place] = None
    required = [a.name for a in kind.schema.attributes if a.required and not a.multi_valued]
    if missing := [name for name in required if (name,) not in mapped]:
        raise ConfigError(prefix, f"nothing is mapped to {', '.join(missing)}")
    attributes = tuple(dict.fromkeys(name for rule in rules for name in rule.attributes))
    hidden = [target.keys for target in kind.targets() if target.attribute.returned is Returned.NEVER]
    secret = frozenset(place for place in mapped if any(keys[: len(place)] == place for keys in hidden))
    return Table(tuple(rules), tuple(owned), attributes, secret)


def value_at(document: Mapping[str, Any], path: Path) -> Any:
    """Return what stands at a place, or None."""
    found: Any = document
    for key in path:
        found = found.get(key) if isinstance(found, Mapping) else None
    return found


def put_at(document: Document, path: Path, value: Any) -> None:
    """Set what stands at a place, or with None clear it, and the object around it when that was all it held."""
    if len(path) == 1:
        if value is None:
            document.pop(path[0], None)
        else:
            document[path[0]] = value
        return
    inner = dict(document.get(path[0]) or {})
    put_at(inner, path[1:], value)
    put_at(document, path[:1], inner or None)


# --- where a value goes ---


def _place(path: str, kind: ResourceType, rule: RuleSettings, key: str) -> tuple[Path, Attribute, Setter]:
    """Return the place a rule owns, what takes a value, and how it gets there.

    Of a multi-valued attribute a rule owns all values.
    """
    found = _PATH.fullmatch(path)
    if found is None:
        raise ConfigError(key, "is not written as attribute, attribute.sub or attribute[type].sub")
    head, wanted, sub = found["head"], found["type"], found["sub"]
    try:
        outer = kind.resolve(head)
        target = kind.resolve(f"{head}.{sub}") if sub else outer
    except InvalidPath as error:
        raise ConfigError(key, str(error)) from None
    if outer.attribute.name in _NOT_OURS or target.attribute.mutability is Mutability.READ_ONLY:
        raise ConfigError(key, "is not for a directory to say")
    is_list = outer.attribute.multi_valued
    if wanted and not is_list:
        raise ConfigError(key, f"{outer.attribute.name} has one value, so no [type]")
    if target.attribute.type is Type.COMPLEX and not is_list:
        raise ConfigError(key, f"name the part of {outer.attribute.name} that is meant")
    leaf = target.attribute if sub else (outer.attribute.sub("value") or outer.attribute)
    _check_type(leaf.type, rule, key)
    if not is_list:
        return target.keys, leaf, _single(target.keys)
    if leaf.type is Type.COMPLEX:
        raise ConfigError(key, f"name the part of {outer.attribute.name} that is meant")
    if leaf is outer.attribute:
        if wanted:
            raise ConfigError(key, f"the values of {leaf.name} have no parts, so no [type]")
        return outer.keys, leaf, _values(outer.keys)
    return outer.keys, leaf, _element(outer.keys, wanted, sub) if sub else _elements(outer.keys, wanted)


def _check_type(type_: Type, rule: RuleSettings, key: str) -> None:
    if (type_ is Type.BOOLEAN) != (rule.transform in BOOLEAN):
        known = ", ".join(sorted(BOOLEAN))
        raise ConfigError(key, f"a boolean needs one of the transforms {known}, and nothing else takes them")


def _single(path: Path) -> Setter:
    if len(path) == 1:
        name = path[0]

        def top(document: Document, values: list[Value]) -> None:
            document[name] = values[0]

        return top
    outer, last = path[:-1], path[-1]

    def nested(document: Document, values: list[Value]) -> None:
        for name in outer:
            document = document.setdefault(name, {})
        document[last] = values[0]

    return nested


def _values(path: Path) -> Setter:
    """Each value stands for itself."""

    def put(document: Document, values: list[Value]) -> None:
        found = _list_at(document, path)
        found += [value for value in dict.fromkeys(values) if value not in found]

    return put


def _elements(path: Path, wanted: str | None) -> Setter:
    """Each value becomes an element; the first e-mail address of all is the primary one."""
    is_mail = path[-1] == "emails"

    def put(document: Document, values: list[Value]) -> None:
        elements = _list_at(document, path)
        for value in values:
            if all(element.get("value") != value for element in elements):
                element: Document = {"value": value, **({"type": wanted} if wanted else {})}
                if is_mail and not elements:
                    element["primary"] = True
                elements.append(element)

    return put


def _element(path: Path, wanted: str | None, sub: str) -> Setter:
    """The value becomes part of the one element of its type, which several rules make together."""

    def put(document: Document, values: list[Value]) -> None:
        elements = _list_at(document, path)
        for element in elements:
            if element.get("type") == wanted:
                element[sub] = values[0]
                return
        elements.append({**({"type": wanted} if wanted else {}), sub: values[0]})

    return put


def _list_at(document: Document, path: Path) -> list[Any]:
    for name in path[:-1]:
        document = document.setdefault(name, {})
    found: list[Any] = document.setdefault(path[-1], [])
    return found


# --- where a value comes from ---


def _getter(rule: RuleSettings, key: str) -> tuple[tuple[str, ...], Getter]:
    if rule.template:
        if rule.source or rule.transform:
            raise ConfigError(key, "a template stands alone, without from and transform")
        return _template(rule.template, key)
    names = tuple(name.strip() for name in rule.source.split("|"))
    if not all(names):
        raise ConfigError(key, "is written as attribute or attribute|attribute")
    return names, _first_present(tuple(name.lower() for name in names), _transform(rule, key))


def _transform(rule: RuleSettings, key: str) -> Transform:
    if rule.pattern and rule.transform != "regex":
        raise ConfigError(key, "a pattern goes with the transform regex")
    if make := _MADE.get(rule.transform):
        try:
            return make(rule)
        except re.error as error:
            raise ConfigError(key, f"{rule.pattern!r} is no pattern: {error}") from None
    found = TRANSFORMS.get(rule.transform)
    if found is None:
        known = ", ".join(sorted([*filter(None, TRANSFORMS), *_MADE]))
        raise ConfigError(key, f"{rule.transform!r} is no transform; there are {known}")
    return found


def _extract(rule: RuleSettings) -> Transform:
    if not rule.pattern:
        raise re.error("there is none")
    return extract(re.compile(rule.pattern))


# Transforms that take more than the values.
_MADE: Final[Mapping[str, Callable[[RuleSettings], Transform]]] = {
    "join": lambda rule: join(rule.separator),
    "regex": _extract,
    "photo": lambda rule: photo(rule.max_kb * 1024),
}


def _first_present(names: tuple[str, ...], transform: Transform) -> Getter:
    if len(names) == 1:
        name = names[0]

        def one(attributes: Attributes) -> list[Value]:
            values = attributes.get(name)
            return transform(values) if values else []

        return one

    def several(attributes: Attributes) -> list[Value]:
        for name in names:
            values = attributes.get(name)
            if values and (found := transform(values)):
                return found
        return []

    return several


def _template(template: str, key: str) -> tuple[tuple[str, ...], Getter]:
    names = tuple(_FIELD.findall(template))
    if not names:
        raise ConfigError(key, "a template names attributes in braces: {givenName} {sn}")
    text = TRANSFORMS[""]

    def fill(attributes: Attributes) -> list[Value]:
        found = {name: str((text(attributes.get(name.lower(), ())) or [""])[0]) for name in names}
        if not any(found.values()):
            return []
        filled = _FIELD.sub(lambda field: found[field[1]], template)
        return [" ".join(filled.split())]

    return names, fill
