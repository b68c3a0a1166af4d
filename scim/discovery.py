"""ServiceProviderConfig, ResourceTypes and Schemas (RFC 7644 section 4), worked out from the declarations."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from idp.schema import Attribute, Registry, ResourceType, Schema, Type

_CORE: Final = "urn:ietf:params:scim:schemas:core:2.0:"


@dataclass(frozen=True, slots=True)
class Features:
    """What the service provider's configuration says of this server."""

    max_results: int
    default_count: int
    bulk_operations: int
    bulk_payload: int
    cursor_seconds: int
    change_password: bool = True


def service_provider_config(features: Features, base: str) -> dict[str, Any]:
    """Return the configuration (RFC 7643 section 5, with the pagination of RFC 9865)."""
    return {
        "schemas": [f"{_CORE}ServiceProviderConfig"],
        "patch": {"supported": True},
        "bulk": {
            "supported": True,
            "maxOperations": features.bulk_operations,
            "maxPayloadSize": features.bulk_payload,
        },
        "filter": {"supported": True, "maxResults": features.max_results},
        "changePassword": {"supported": features.change_password},
        "sort": {"supported": True},
        "etag": {"supported": True},
        "pagination": {
            "cursor": True,
            "index": True,
            "defaultPaginationMethod": "index",
            "defaultPageSize": features.default_count,
            "maxPageSize": features.max_results,
            "cursorTimeout": features.cursor_seconds,
        },
        "authenticationSchemes": [
            {
                "type": "oauthbearertoken",
                "name": "OAuth Bearer Token",
                "description": "A client's token, sent in the Authorization header",
                "specUri": "https://www.rfc-editor.org/info/rfc6750",
                "primary": True,
            }
        ],
        "meta": {"resourceType": "ServiceProviderConfig", "location": f"{base}/ServiceProviderConfig"},
    }


def resource_types(registry: Registry, base: str) -> Mapping[str, dict[str, Any]]:
    """Return every resource type by its name (RFC 7643 section 6)."""
    return {kind.name: _resource_type(kind, base) for kind in registry.resource_types.values()}


def schemas(registry: Registry, base: str) -> Mapping[str, dict[str, Any]]:
    """Return every schema by its URN (RFC 7643 section 7)."""
    return {urn: _schema(schema, base) for urn, schema in registry.schemas.items()}


def _resource_type(kind: ResourceType, base: str) -> dict[str, Any]:
    return {
        "schemas": [f"{_CORE}ResourceType"],
        "id": kind.name,
        "name": kind.name,
        "endpoint": kind.endpoint,
        "description": kind.description,
        "schema": kind.schema.id,
        "schemaExtensions": [{"schema": e.schema.id, "required": e.required} for e in kind.extensions],
        "meta": {"resourceType": "ResourceType", "location": f"{base}/ResourceTypes/{kind.name}"},
    }


def _schema(schema: Schema, base: str) -> dict[str, Any]:
    return {
        "schemas": [f"{_CORE}Schema"],
        "id": schema.id,
        "name": schema.name,
        "description": schema.description,
        "attributes": [_attribute(attribute) for attribute in schema.attributes],
        "meta": {"resourceType": "Schema", "location": f"{base}/Schemas/{schema.id}"},
    }


def _attribute(attribute: Attribute) -> dict[str, Any]:
    found: dict[str, Any] = {
        "name": attribute.name,
        "type": attribute.type.value,
        "multiValued": attribute.multi_valued,
        "description": attribute.description,
        # What always has a value cannot be cleared: to a client that is what a required attribute is.
        "required": attribute.required or attribute.assured,
        "mutability": attribute.mutability.value,
        "returned": attribute.returned.value,
        "uniqueness": attribute.uniqueness.value,
    }
    if attribute.type in (Type.STRING, Type.REFERENCE, Type.BINARY):
        found["caseExact"] = attribute.case_exact
    if attribute.canonical_values:
        found["canonicalValues"] = list(attribute.canonical_values)
    if attribute.reference_types:
        found["referenceTypes"] = list(attribute.reference_types)
    if attribute.sub_attributes:
        found["subAttributes"] = [_attribute(sub) for sub in attribute.sub_attributes]
    return found
