"""Applies the operations of a PATCH to a document (RFC 7644 section 3.5.2): no I/O.

The result is not validated as a whole; that is the service's part. Values are brought into canonical form here
already, so that they can be compared with those that are there, and so that an error names the operation's path.
"""

from collections.abc import Iterable
from typing import Any, Final

from msgspec import to_builtins

from idp.errors import InvalidValue, MutabilityViolated, NoTarget, TooLarge
from idp.query import Filter, matches
from idp.schema import Attribute, Mutability, Type, validate_value
from scim.elements import implied, merged, settle_primary, without
from scim.operation import ABSENT, Op, Operation
from scim.path import Path

# Every operation looks at every element of the list it is about; so many looks take about a tenth of a second.
MAX_LOOKS: Final = 50_000

Document = dict[str, Any]


def apply(document: Document, operations: Iterable[Operation]) -> Document:
    """Return the document with all operations carried out, in their order. What they do not reach is shared with it.

    Raises InvalidValue, MutabilityViolated, NoTarget or TooLarge.
    """
    document, own = document.copy(), set[str]()
    looks = 0
    for operation in operations:
        _make_own(document, operation.path.keys[0], own)
        holder = _holder(document, operation.path)
        current = holder.get(operation.path.keys[-1])
        looks += len(current) if isinstance(current, list) else 1
        if looks > MAX_LOOKS:
            raise TooLarge("the number of values that the operations go through", MAX_LOOKS)
        _carry_out(holder, operation)
        if not holder:
            document.pop(operation.path.keys[0], None)
    return document


def _make_own(document: Document, key: str, own: set[str]) -> None:
    """Put a copy in the place of an attribute that operations are about to change at some depth."""
    if key in document and key not in own:
        document[key] = to_builtins(document[key])
    own.add(key)


def _holder(document: Document, path: Path) -> Document:
    """Return the object that has the attribute's key: the document, or the extension's part of it."""
    holder = document
    for key in path.keys[:-1]:
        holder = holder.setdefault(key, {})
    return holder


def _carry_out(holder: Document, operation: Operation) -> None:
    path = operation.path
    if path.filter is None and path.sub is None:
        _change(holder, path.attribute, operation.op, operation.value, path.text)
        return
    current = _as_declared(path.attribute, holder.get(path.attribute.name))
    before = to_builtins(current) if path.attribute.mutability is Mutability.IMMUTABLE else None
    if path.filter is not None:
        changed: Any = _filtered(current, path.filter, operation)
    elif path.attribute.multi_valued:
        changed = _every(current or [], operation)
    else:
        changed = current or {}
        _change_inside(changed, operation)
    if changed != before:
        _demand_unset(path.attribute, before, path.text)
    _store(holder, path.attribute, changed, path.text)


def _filtered(current: Any, filter: Filter, operation: Operation) -> Any:
    """Change what the path's filter selects of one object, of a list of them or of a list of simple values."""
    attribute = operation.path.attribute
    if not attribute.multi_valued:
        return next(iter(_selected([current] if current else [], filter, operation)), None)
    if attribute.type is Type.COMPLEX:
        return _selected(current or [], filter, operation)
    changed = _selected([{"value": value} for value in current or []], filter, operation)
    return merged(attribute, [], (element["value"] for element in changed))


def _selected(elements: list[Document], filter: Filter, operation: Operation) -> list[Document]:
    """Change the elements that the path's filter selects; one that is asked for and not there is made.

    The RFC has noTarget, but Entra ID sets a first work address by replacing `emails[type eq "work"].value`. To remove
    what is not there changes nothing then, so that a client may repeat itself.
    """
    path = operation.path
    chosen = [element for element in elements if matches(filter, element)]
    described = implied(filter)
    if not chosen:
        if operation.makes and _removes(operation):
            return elements
        has_room = path.attribute.multi_valued or not elements
        if described is None or not operation.makes or not has_room:
            raise NoTarget(path.text)
        chosen = [dict(described)]
        elements = [*elements, *chosen]
    elif _removes(operation) and (path.sub is None or path.sub.name == "value"):
        # An element without its value says nothing (RFC 7643 section 2.4).
        return [element for element in elements if not any(element is one for one in chosen)]
    for element in chosen:
        if operation.op is Op.REPLACE and path.sub is None:
            element.clear()
            element.update(described or {})
        _change_inside(element, operation)
    settle_primary(elements, chosen)
    return [element for element in elements if element]


def _every(elements: list[Document], operation: Operation) -> list[Document]:
    """Change one sub-attribute of all elements; where there is none, make one."""
    if not elements and not _removes(operation):
        elements = [{}]
    for element in elements:
        _change_inside(element, operation)
    return [element for element in elements if element]


def _removes(operation: Operation) -> bool:
    return operation.op is Op.REMOVE or operation.value is None


def _change_inside(part: Document, operation: Operation) -> None:
    """Change the path's sub-attribute of a complex value, or those that the operation's value names."""
    path, value = operation.path, operation.value
    if path.sub is not None:
        _change(part, path.sub, operation.op, value, path.text)
        return
    if isinstance(value, list):
        raise InvalidValue(path.text, "expected one value")
    _merge(part, path.attribute, operation.op, value, path.text)


def _change(holder: Document, attribute: Attribute, op: Op, value: Any, path: str) -> None:
    """Carry out an operation on a whole attribute: a simple value, a complex one or a list."""
    if value is None and op is Op.ADD:
        return
    current = holder.get(attribute.name)
    if value is None or (op is Op.REMOVE and (value is ABSENT or not attribute.multi_valued)):
        changed = None
    else:
        changed = _outcome(_as_declared(attribute, current), attribute, op, value, path)
    if changed != current:
        _demand_unset(attribute, current, path)
        _store(holder, attribute, changed, path)


def _outcome(current: Any, attribute: Attribute, op: Op, given: Any, path: str) -> Any:
    if _is_object(attribute) and given is not None:
        part = dict(current or {})
        _merge(part, attribute, op, given, path)
        return part or None
    checked = validate_value(attribute, given, path)
    if not attribute.multi_valued or op is Op.REPLACE:
        return checked
    change = merged if op is Op.ADD else without
    return change(attribute, current or [], checked or []) or None


def _as_declared(attribute: Attribute, current: Any) -> Any:
    """Return what an operation finds: of a value from an earlier declaration, what fits this one."""
    if current is None:
        return None
    elements = current if isinstance(current, list) else [current]
    fitting = [element for element in elements if isinstance(element, dict) == (attribute.type is Type.COMPLEX)]
    if attribute.multi_valued:
        return fitting
    return fitting[0] if len(fitting) == 1 else None


def _is_object(attribute: Attribute) -> bool:
    return attribute.type is Type.COMPLEX and not attribute.multi_valued


def _merge(part: Document, attribute: Attribute, op: Op, given: Any, path: str) -> None:
    """Set what is named and leave the rest as it is (section 3.5.2.3); what is not the client's is passed over."""
    if not isinstance(given, dict):
        raise InvalidValue(path, "expected an object")
    for key, value in given.items():
        sub = attribute.sub(key)
        if sub is not None and sub.mutability is not Mutability.READ_ONLY and not sub.derived:
            _change(part, sub, op, value, f"{path}.{sub.name}")


def _demand_unset(attribute: Attribute, current: Any, path: str) -> None:
    """Refuse a change of what is given once; paths to what is readOnly are refused where they are read."""
    if attribute.mutability is Mutability.IMMUTABLE and current is not None:
        raise MutabilityViolated(path, "the attribute is immutable")


def _store(holder: Document, attribute: Attribute, value: Any, path: str) -> None:
    """Set the value, or nothing at all where it is empty: null and [] mean unset (RFC 7643 section 2.5)."""
    if value is not None and value not in ([], {}):
        holder[attribute.name] = value
    elif (attribute.required or attribute.assured) and attribute.name in holder:
        raise MutabilityViolated(path, "the attribute is required")
    else:
        holder.pop(attribute.name, None)
