"""Which attributes an answer carries: `attributes`, `excludedAttributes` and `returned` (RFC 7644 section 3.9)."""

from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import Any, Final

from idp.errors import InvalidPath, InvalidValue
from idp.schema import Attribute, ResourceType, Returned, Target
from scim.names import resolve

# A client asks for the same attributes again and again.
_PROJECTIONS: Final = 256

Tree = dict[str, "Tree | None"]
"""Names at one level; None stands for the attribute with all that is in it."""
Reduce = Callable[[dict[str, Any]], dict[str, Any]]
_NOTHING: Final[tuple[Any, ...]] = ({}, [])


class Projection:
    """Reduces documents to what was asked for; made once for each distinct request.

    `drop` is what no answer carries; `omit`, what of it can be in a representation and has to be taken away.
    """

    def __init__(self, keep: Tree | None, drop: Tree, omit: Tree) -> None:
        self._keep = keep
        self._drop = drop
        self._pick = None if keep is None else _picker(keep)
        self._omit = _omitter(omit)
        self.opened: Final = frozenset(key for tree in (keep or {}, omit) for key, inner in tree.items() if inner)
        """The attributes that it looks into: what all others hold is shown or not shown as it is."""
        self._wanted: dict[tuple[str, ...], bool] = {}

    def wants(self, *keys: str) -> bool:
        """Tell whether any of an attribute can be in the answer: else it need not be worked out."""
        wanted = self._wanted.get(keys)
        if wanted is None:
            wanted = (self._keep is None or _reaches(self._keep, keys)) and not _covers(self._drop, keys)
            self._wanted[keys] = wanted
        return wanted

    def apply(self, document: dict[str, Any]) -> dict[str, Any]:
        """Return the document without what is not to be shown; the very same one where all of it is."""
        return self._omit(document if self._pick is None else self._pick(document))


class Projections:
    """The projections of one resource type."""

    def __init__(self, resource_type: ResourceType) -> None:
        self._resource_type = resource_type
        self._targets = tuple(resource_type.targets())
        # What is worked out inside of what is stored, and only when it is asked for.
        self._filled = {t.keys for t in self._targets if _is_filled(t)}
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
        return Projection(self._keep(asked) if attributes else None, drop, self._present(drop))

    def _present(self, drop: Tree, path: tuple[str, ...] = ()) -> Tree:
        """Return what of the tree can be in a representation."""
        found: Tree = {}
        for key, inner in drop.items():
            keys = (*path, key)
            if inner is None and keys not in self._filled:
                found[key] = None
            elif inner is not None and (below := self._present(inner, keys)):
                found[key] = below
        return found

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


def without_secrets(resource_type: ResourceType) -> Reduce:
    """Return what takes away of a document, whole or in part, what is never returned."""
    drop: Tree = {}
    for target in resource_type.targets():
        if target.attribute.returned is Returned.NEVER:
            _add(drop, target.keys)
    return _omitter(drop)


def _is_hidden(target: Target, asked: Iterable[tuple[str, ...]]) -> bool:
    match target.attribute.returned:
        case Returned.NEVER:
            return True
        case Returned.REQUEST:
            return not any(_on_one_way(keys, target.keys) for keys in asked)
        case _:
            return False


def _is_filled(target: Target) -> bool:
    attribute = target.attribute
    return attribute.derived and attribute.returned is Returned.REQUEST and not target.chain[0].derived


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


def _picker(tree: Tree) -> Reduce:
    """Return what reduces a value to the names in the tree."""
    parts = {key: None if inner is None else _picker(inner) for key, inner in tree.items()}

    def pick(document: dict[str, Any]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, value in document.items():
            if key in parts:
                part = parts[key]
                picked = value if part is None else _reduced(part, value)
                if picked not in _NOTHING:
                    found[key] = picked
        return found

    return pick


def _omitter(tree: Tree) -> Reduce:
    """Return what takes the names in the tree away from a value; one that has none of them stays the same."""
    gone = frozenset(key for key, inner in tree.items() if inner is None)
    parts = tuple((key, _omitter(inner)) for key, inner in tree.items() if inner is not None)

    def omit(document: dict[str, Any]) -> dict[str, Any]:
        left = document
        for key in gone:
            if key in left:
                left = document.copy() if left is document else left
                del left[key]
        for key, part in parts:
            value = left.get(key)
            if value is None or (reduced := _reduced(part, value)) is value:
                continue
            if left is document:
                left = document.copy()
            if reduced in _NOTHING:
                del left[key]
            else:
                left[key] = reduced
        return left

    return omit


def _reduced(reduce: Reduce, value: Any) -> Any:
    """Reduce an object, or each element of a list; an element of which nothing is left is left out."""
    if type(value) is dict:
        return reduce(value)
    return [left for element in value if (left := _reduced(reduce, element)) != {}] if type(value) is list else value
