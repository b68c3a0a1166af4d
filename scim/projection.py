"""Which attributes an answer carries: `attributes`, `excludedAttributes` and `returned` (RFC 7644 section 3.9)."""

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any, Final

from idp.errors import InvalidPath, InvalidValue
from idp.schema import Attribute, ResourceType, Returned, Target
from scim.names import resolve

# A client asks for the same attributes again and again.
_PROJECTIONS: Final = 256

Tree = dict[str, "Tree | None"]
"""Names at one level; None stands for the attribute with all that is in it."""


class Projection:
    """Reduces documents to what was asked for; made once for each distinct request."""

    def __init__(self, keep: Tree | None, drop: Tree) -> None:
        self._keep = keep
        self._drop = drop

    def wants(self, *keys: str) -> bool:
        """Tell whether any of an attribute can be in the answer: else it need not be worked out."""
        return (self._keep is None or _reaches(self._keep, keys)) and not _covers(self._drop, keys)

    def apply(self, document: dict[str, Any]) -> dict[str, Any]:
        """Return the document without what is not to be shown; the very same one where all of it is."""
        shown = document if self._keep is None else _pick(document, self._keep)
        return shown if self._drop.keys().isdisjoint(shown) else _omit(shown, self._drop)


class Projections:
    """The projections of one resource type."""

    def __init__(self, resource_type: ResourceType) -> None:
        self._resource_type = resource_type
        self._targets = tuple(resource_type.targets())
        self._compiled = lru_cache(_PROJECTIONS)(self._compile)

    def of(self, attributes: tuple[str, ...] = (), excluded: tuple[str, ...] = ()) -> Projection:
        """Return the projection for a request's two parameters, of which one at most is given. Raises InvalidValue.

        Names that the resource type does not have are passed over.
        """
        if attributes and excluded:
            raise InvalidValue("excludedAttributes", "cannot be combined with attributes")
        return self._compiled(attributes, excluded)

    def _compile(self, attributes: tuple[str, ...], excluded: tuple[str, ...]) -> Projection:
        drop: Tree = {}
        asked = [target.keys for target in self._resolve(attributes)]
        for target in self._targets:
            if _is_hidden(target, asked):
                _add(drop, target.keys)
        for target in self._resolve(excluded):
            if target.attribute.returned is not Returned.ALWAYS:
                _exclude(drop, target)
        return Projection(self._keep(asked) if attributes else None, drop)

    def _keep(self, asked: Iterable[tuple[str, ...]]) -> Tree:
        """Return what to keep: what is asked for, and what is always returned beside it."""
        keep: Tree = {}
        for keys in asked:
            _add(keep, keys)
        for target in self._targets:
            if target.attribute.returned is Returned.ALWAYS and _is_entered(keep, target.keys[:-1]):
                _add(keep, target.keys)
        return keep

    def _resolve(self, names: Iterable[str]) -> Iterator[Target]:
        for name in names:
            try:
                yield resolve(self._resource_type, name)
            except InvalidPath:
                continue


def _is_hidden(target: Target, asked: Iterable[tuple[str, ...]]) -> bool:
    match target.attribute.returned:
        case Returned.NEVER:
            return True
        case Returned.REQUEST:
            return not any(_on_one_way(keys, target.keys) for keys in asked)
        case _:
            return False


def _on_one_way(keys: tuple[str, ...], others: tuple[str, ...]) -> bool:
    """Tell whether one path leads to, or further than, the other."""
    return all(key == other for key, other in zip(keys, others, strict=False))


def _exclude(drop: Tree, target: Target) -> None:
    """Drop an attribute, but for the sub-attributes that are always returned."""
    subs: tuple[Attribute, ...] = target.attribute.sub_attributes
    if not any(sub.returned is Returned.ALWAYS for sub in subs):
        _add(drop, target.keys)
        return
    for sub in subs:
        if sub.returned is not Returned.ALWAYS:
            _add(drop, (*target.keys, sub.name))


def _add(tree: Tree, keys: tuple[str, ...]) -> None:
    """Enter a path into the tree; one that has a shorter one in it already is covered."""
    head, *rest = keys
    if not rest:
        tree[head] = None
        return
    inner = tree.setdefault(head, {})
    if inner is not None:
        _add(inner, tuple(rest))


def _reaches(tree: Tree | None, keys: tuple[str, ...]) -> bool:
    """Tell whether the path, or something on the way to it or below it, is in the tree."""
    for key in keys:
        if tree is None:
            return True
        if key not in tree:
            return False
        tree = tree[key]
    return True


def _covers(tree: Tree | None, keys: tuple[str, ...]) -> bool:
    """Tell whether the whole of what is at the path is in the tree."""
    for key in keys:
        if tree is None:
            return True
        tree = tree.get(key, {})
    return tree is None


def _is_entered(tree: Tree, keys: tuple[str, ...]) -> bool:
    """Tell whether the tree has the path as one of which only parts are kept."""
    inner: Tree | None = tree
    for key in keys:
        inner = inner.get(key) if inner is not None else None
    return inner is not None


def _pick(document: Mapping[str, Any], tree: Tree) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in document.items():
        if key in tree:
            inner = tree[key]
            picked = value if inner is None else _each(value, inner, _pick)
            if picked not in ({}, []):
                found[key] = picked
    return found


def _omit(document: Mapping[str, Any], tree: Tree) -> dict[str, Any]:
    # The tree has few names and the document many, so it is copied whole and only those are looked at.
    left = dict(document)
    for key, inner in tree.items():
        if key not in left:
            continue
        rest = None if inner is None else _each(left[key], inner, _omit)
        if rest is None or rest in ({}, []):
            del left[key]
        else:
            left[key] = rest
    return left


def _each(value: Any, tree: Tree, reduce: Any) -> Any:
    if isinstance(value, list):
        return [left for element in value if (left := _each(element, tree, reduce)) != {}]
    return reduce(value, tree) if isinstance(value, dict) else value
