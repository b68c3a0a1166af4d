"""The declared schemas are those of RFC 7643, as another implementation of it reads them."""

from collections.abc import Iterator
from typing import Any

import pytest
import scim2_models

from idp.schema import GROUP, USER, Attribute, Mutability, ResourceType, Type, default_registry
from idp.schema.attribute import Attribute as Declared
from idp.schema.enterprise import ENTERPRISE_USER_SCHEMA
from idp.schema.group import GROUP_SCHEMA
from idp.schema.model import Schema
from idp.schema.user import USER_SCHEMA

Row = tuple[str, str, bool, bool, bool, str, str, str]

# Where we declare something else than scim2-models, and why.
OURS: dict[str, dict[str, Any]] = {
    # The derived names are worked out here, whatever a client sends, and shown when they are asked for.
    "members.display": {"mutability": "readOnly", "returned": "request"},
    "manager.displayName": {"returned": "request"},
    "manager.$ref": {"required": False},
    "manager.value": {"required": False},
    # Section 4.2: "members" without a "value" have no meaning.
    "members.value": {"required": True},
    # As section 8.7.1 has it; no filter ever reads it.
    "password": {"caseExact": False},
}


def ours(schema: Schema) -> dict[str, Row]:
    return dict(_ours("", schema.attributes))


def _ours(prefix: str, attributes: tuple[Declared, ...]) -> Iterator[tuple[str, Row]]:
    for a in attributes:
        row = (a.name, a.type, a.multi_valued, a.required, a.case_exact, a.mutability, a.returned, a.uniqueness)
        yield prefix + a.name, (row[0], str(row[1]), *row[2:5], str(row[5]), str(row[6]), str(row[7]))
        yield from _ours(f"{prefix}{a.name}.", a.sub_attributes)


def theirs(model: Any) -> dict[str, Row]:
    return dict(_theirs("", model.to_schema().attributes))


def _theirs(prefix: str, attributes: Any) -> Iterator[tuple[str, Row]]:
    for a in attributes:
        path = prefix + a.name
        said = {
            "required": bool(a.required),
            "caseExact": bool(a.case_exact),
            "mutability": a.mutability.value,
            "returned": a.returned.value,
            **OURS.get(path, {}),
        }
        yield (
            path,
            (
                a.name,
                a.type.value,
                bool(a.multi_valued),
                said["required"],
                said["caseExact"],
                said["mutability"],
                said["returned"],
                a.uniqueness.value if a.uniqueness else "none",
            ),
        )
        yield from _theirs(f"{path}.", a.sub_attributes or ())


@pytest.mark.parametrize(
    ("schema", "model"),
    [
        (USER_SCHEMA, scim2_models.User),
        (GROUP_SCHEMA, scim2_models.Group),
        (ENTERPRISE_USER_SCHEMA, scim2_models.EnterpriseUser),
    ],
    ids=lambda value: value.name if isinstance(value, Schema) else "",
)
def test_characteristics_are_those_of_the_standard(schema: Schema, model: Any) -> None:
    assert ours(schema) == theirs(model)


@pytest.mark.parametrize("kind", [USER, GROUP], ids=lambda kind: kind.name)
def test_every_attribute_is_described_and_found_by_its_own_path(kind: ResourceType) -> None:
    for target in kind.targets():
        assert target.attribute.description.endswith("."), target.keys
        urn = f"{target.schema.id}:" if target.schema is not kind.schema else ""
        path = urn + ".".join(attribute.name for attribute in target.chain)
        assert kind.resolve(path.upper() if not urn else path).keys == target.keys


def test_only_complex_attributes_have_sub_attributes_and_all_of_them_do() -> None:
    for kind in (USER, GROUP):
        for target in kind.targets():
            attribute: Attribute = target.attribute
            assert bool(attribute.sub_attributes) == (attribute.type is Type.COMPLEX), attribute.name


def test_what_only_the_service_says_is_read_only() -> None:
    kept = {keys[-1] for keys in USER.kept}
    assert kept == {"id", "meta", "source", "role", "mfa", "status"}
    assert all(USER.resolve(path).attribute.mutability is Mutability.READ_ONLY for path in ("groups", "meta.version"))


def test_the_registry_finds_types_by_name() -> None:
    registry = default_registry()
    assert registry.resource_types == {"User": USER, "Group": GROUP}
    assert set(registry.schemas) == {schema.id for kind in (USER, GROUP) for schema in kind.schemas.values()}
