"""What the server says of itself is what it does."""

from typing import Any

import pytest
from scim2_models import ListResponse, ResourceType, Schema, ServiceProviderConfig

from idp.schema import USER, default_registry
from idp.schema.urns import ENTERPRISE_USER, GATEHOUSE_USER, GROUP
from tests.support.scim import Api


async def test_the_configuration_says_what_there_is(api: Api) -> None:
    answer = await api.get("/ServiceProviderConfig")
    ServiceProviderConfig.model_validate(answer.body)
    supported = {name: part["supported"] for name, part in answer.body.items() if "supported" in part}
    assert supported == {
        "patch": True,
        "bulk": True,
        "filter": True,
        "sort": True,
        "etag": True,
        "changePassword": True,
    }
    assert answer.body["filter"]["maxResults"] == 1_000
    assert answer.body["meta"]["location"] == "http://127.0.0.1:8080/scim/v2/ServiceProviderConfig"


async def test_every_resource_type_is_listed_and_can_be_read_alone(api: Api) -> None:
    body = (await api.get("/ResourceTypes")).body
    listed = ListResponse[ResourceType].model_validate(body)
    assert [(each.name, str(each.endpoint)) for each in listed.resources or []] == [
        ("User", "/Users"),
        ("Group", "/Groups"),
    ]
    assert body["totalResults"] == len(body["Resources"]) == 2
    for each in body["Resources"]:
        assert (await api.get(f"/ResourceTypes/{each['id']}")).body == each
    user = body["Resources"][0]
    assert user["schemaExtensions"] == [
        {"schema": ENTERPRISE_USER, "required": False},
        {"schema": GATEHOUSE_USER, "required": False},
    ]


async def test_every_schema_is_listed_and_can_be_read_alone(api: Api) -> None:
    body = (await api.get("/Schemas")).body
    ListResponse[Schema].model_validate(body)
    assert {each["id"] for each in body["Resources"]} == {USER.schema.id, GROUP, ENTERPRISE_USER, GATEHOUSE_USER}
    for each in body["Resources"]:
        assert (await api.get(f"/Schemas/{each['id']}")).body == each
        assert (await api.get(f"/Schemas/{each['id'].upper()}")).body == each


@pytest.mark.parametrize("urn", default_registry().schemas)
async def test_a_schema_says_of_each_attribute_what_is_declared(api: Api, urn: str) -> None:
    def agrees(shown: list[dict[str, Any]], declared: Any) -> bool:
        assert [each["name"] for each in shown] == [attribute.name for attribute in declared]
        for each, attribute in zip(shown, declared, strict=True):
            assert each["type"] == attribute.type
            assert each["multiValued"] == attribute.multi_valued
            assert each["required"] == (attribute.required or attribute.assured)
            assert (each["mutability"], each["returned"]) == (attribute.mutability, attribute.returned)
            assert each["uniqueness"] == attribute.uniqueness
            assert each.get("caseExact", attribute.case_exact) == attribute.case_exact
            assert each["description"]
            assert agrees(each.get("subAttributes", []), attribute.sub_attributes)
        return True

    shown = (await api.get(f"/Schemas/{urn}")).body
    assert agrees(shown["attributes"], default_registry().schemas[urn].attributes)
