"""Whether a document fits its declarations, and its canonical form."""

from collections.abc import Mapping
from typing import Any, Final

from idp.errors import InvalidSyntax, InvalidValue
from idp.schema.attribute import Attribute, Mutability
from idp.schema.model import ResourceType
from idp.schema.rules import UNSET, compile_attribute
from idp.schema.values import Fault

_NOTHING: Final[Mapping[str, Any]] = {}


def validate(
    resource_type: ResourceType, document: Mapping[str, Any], *, creating: bool, before: Mapping[str, Any] = _NOTHING
) -> dict[str, Any]:
    """Return the document in canonical form: what a caller may set, with names as declared.

    Unknown attributes, null, empty lists and objects, and whatever is readOnly are left out; `schemas` names the
    core schema and the extensions present. A required attribute must be there; a writeOnly one, which is never
    stored, only when `creating`. Canonical values are suggestions (RFC 7643 section 2.3.1) and not enforced.
    Values that the stored document `before` has as well are taken as they are.
    Raises InvalidSyntax when it is no object, InvalidValue with the path of the value that does not fit.
    """
    if not isinstance(document, dict):
        raise InvalidSyntax(f"a {resource_type.name} is a JSON object")
    try:
        found = resource_type.rules.read(document, before)
        _check_given_schemas(resource_type, document.get("schemas"), before)
        if creating:
            _demand_write_only(resource_type, found)
    except Fault as fault:
        raise InvalidValue(fault.path, fault.reason) from None
    present = [e.schema.id for e in resource_type.extensions if e.schema.id in found]
    _demand_extensions(resource_type, present)
    return {"schemas": [resource_type.schema.id, *present], **found}


def validate_value(attribute: Attribute, value: Any, path: str) -> Any:
    """Return one attribute's value in canonical form, or None when it is unset.

    Raises InvalidValue with a path that begins with `path`.
    """
    check = compile_attribute(attribute)
    try:
        found = UNSET if value is None else check(value)
    except Fault as fault:
        fault = fault.under(path)
        raise InvalidValue(fault.path, fault.reason) from None
    return None if found is UNSET else found


def _check_given_schemas(resource_type: ResourceType, given: Any, before: Mapping[str, Any]) -> None:
    if given is None:
        return
    if type(given) is not list:
        raise Fault("expected a list of URNs", "schemas")
    for position, urn in enumerate(given):
        if type(urn) is not str:
            raise Fault("expected a URN", f"schemas[{position}]")
        if urn.lower() not in resource_type.schemas and urn not in before.get("schemas", ()):
            raise Fault(f"{resource_type.name} has no schema {urn[:200]!r}", f"schemas[{position}]")


def _demand_write_only(resource_type: ResourceType, found: Mapping[str, Any]) -> None:
    for attribute in resource_type.schema.attributes:
        if attribute.required and attribute.mutability is Mutability.WRITE_ONLY and attribute.name not in found:
            raise Fault("a value is required", attribute.name)


def _demand_extensions(resource_type: ResourceType, present: list[str]) -> None:
    for extension in resource_type.extensions:
        if extension.required and extension.schema.id not in present:
            raise InvalidValue(extension.schema.id, "the extension is required")
