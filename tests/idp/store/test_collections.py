"""The table of collections follows the schemas."""

import pytest

from idp.query import Field, Kind
from idp.schema import GROUP, USER, Registry, ResourceType, Uniqueness
from idp.store.collections import collections


@pytest.mark.parametrize("kind", [USER, GROUP])
def test_what_a_schema_declares_indexed_or_unique_is_so_in_the_store(kind: ResourceType) -> None:
    collection = collections()[kind.collection]
    targets = {target.field: target.attribute for target in kind.targets() if not target.attribute.derived}
    assert set(collection.indexed) == {field for field, attribute in targets.items() if attribute.indexed}
    unique = {field for field, attribute in targets.items() if attribute.uniqueness is not Uniqueness.NONE}
    assert set(collection.unique) == unique - {Field(("id",))}


def test_user_names_are_unique_and_mails_are_lists() -> None:
    users = collections()["users"]
    assert users.unique == (Field(("userName",), case_exact=False),)
    assert Field(("emails", "value"), case_exact=False) in users.lists
    assert Field(("meta", "created"), Kind.DATETIME) in users.indexed


def test_a_registry_brings_its_own_resource_types() -> None:
    found = collections(Registry([GROUP]))
    assert "groups" in found
    assert "users" not in found
    assert "sessions" in found


def test_every_collection_is_named_once() -> None:
    assert all(name == collection.name for name, collection in collections().items())
