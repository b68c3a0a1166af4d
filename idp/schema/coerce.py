"""Lenience: documents as real clients send them, brought into the form that validation asks for.

Nothing here refuses anything: what cannot be helped is left as it is, for `validate` to name.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from idp.errors import InvalidPath
from idp.schema.attribute import Attribute, Type
from idp.schema.lenience import LENIENT, Lenience
from idp.schema.model import ResourceType, Target

_TRUTH: Final = {"true": True, "false": False}


def coerce(resource_type: ResourceType, document: Mapping[str, Any], lenience: Lenience = LENIENT) -> dict[str, Any]:
    """Return the document with dotted and URN-prefixed keys nested and every value coerced, as far as is lenient.

    Unknown URNs in `schemas` are left out: clients name schemas of other servers there.
    """
    found: dict[str, Any] = {}
    nested: list[tuple[Target, Any]] = []
    for key, value in document.items():
        attribute = resource_type.top(key)
        if attribute is not None:
            # The same name twice is left as it is, for validation to refuse.
            name = key if attribute.name in found else attribute.name
            is_right = type(value) is str and _is_text(attribute)
            found[name] = value if is_right else coerce_value(attribute, value, lenience)
        elif (target := _joined(resource_type, key, lenience)) is not None:
            if len(target.keys) == 1:
                found[target.keys[0]] = coerce_value(target.attribute, value, lenience)
            else:
                nested.append((target, value))
    for target, value in nested:
        _nest(found, target.keys, coerce_value(target.attribute, value, lenience))
    given = found.get("schemas")
    if isinstance(given, list) and lenience.foreign_schemas:
        found["schemas"] = [urn for urn in given if isinstance(urn, str) and urn.lower() in resource_type.schemas]
    return found


def _is_text(attribute: Attribute) -> bool:
    return attribute.type is Type.STRING and not attribute.multi_valued


def coerce_value(attribute: Attribute, value: Any, lenience: Lenience = LENIENT) -> Any:
    """Return one attribute's value in the shape its declaration asks for, where the meaning is plain."""
    if value is None:
        return None
    if not attribute.multi_valued:
        # Entra sends a manager as a list of one.
        is_wrapped = lenience.one_or_many and isinstance(value, list) and len(value) == 1
        return coerce_single(attribute, value[0] if is_wrapped else value, lenience)
    if isinstance(value, list):
        return [coerce_single(attribute, element, lenience) for element in value]
    if value == "":
        return [] if lenience.bare_value else value
    return [coerce_single(attribute, value, lenience)] if lenience.one_or_many else value


def coerce_single(attribute: Attribute, value: Any, lenience: Lenience = LENIENT) -> Any:
    """Return one value of the attribute in the shape its declaration asks for."""
    if attribute.type is Type.COMPLEX:
        return _coerce_complex(attribute, value, lenience)
    if attribute.type is Type.BOOLEAN and isinstance(value, str):
        return _TRUTH.get(value.strip().lower(), value) if lenience.boolean_text else value
    if not lenience.number_text:
        return value
    if attribute.type in (Type.INTEGER, Type.DECIMAL) and isinstance(value, str):
        return _number(value)
    if attribute.type is Type.STRING and isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    return value


def _coerce_complex(attribute: Attribute, value: Any, lenience: Lenience) -> Any:
    if isinstance(value, str) and lenience.bare_value:
        # A bare string stands for the `value`; Entra clears a manager with "".
        bare = value != "" and attribute.sub("value") is not None
        return {"value": value} if bare else (None if value == "" else value)
    if not isinstance(value, dict):
        return value
    found: dict[str, Any] = {}
    for key, inner in value.items():
        declared = attribute.sub(key)
        # Text where text belongs, as nearly everything is, needs no look at what else it could be.
        if declared is None or (type(inner) is str and _is_text(declared)):
            found[key] = inner
        else:
            found[key] = coerce_value(declared, inner, lenience)
    if lenience.reference_as_value and "$ref" in found and "value" not in found and isinstance(found["$ref"], str):
        # A reference alone is enough to tell who is meant: its last segment is the id.
        found["value"] = found["$ref"].rstrip("/").rpartition("/")[2]
    return found


def _number(text: str) -> Any:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def _joined(resource_type: ResourceType, key: str, lenience: Lenience) -> Target | None:
    """Return what a key stands for that is no attribute's name: an extension's URN, or where they may be, a path."""
    is_urn = key.lower() in resource_type.schemas
    if not is_urn and not (lenience.joined_keys and (":" in key or "." in key)):
        return None
    try:
        target = resource_type.resolve(key)
    except InvalidPath:
        return None
    return None if any(link.multi_valued for link in target.chain[:-1]) else target


def _nest(found: dict[str, Any], keys: Sequence[str], value: Any) -> None:
    *path, last = keys
    inner = found
    for key in path:
        holder = inner.get(key)
        if not isinstance(holder, dict):
            holder = inner[key] = {}
        inner = holder
    inner.setdefault(last, value)
