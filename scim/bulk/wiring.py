"""Puts the bulk endpoint together from the services in the application."""

import time
from collections.abc import Mapping, Sequence
from typing import Final

from aiohttp import web

from idp.access import Actor
from idp.directory import Document, GroupCreate, Groups, Resource
from idp.http.keys import CONFIG, GROUPS, NEW_ID, REGISTRY, RESOURCES, USERS
from idp.schema import ResourceType
from scim.bulk.endpoint import BulkEndpoint, BulkLimits
from scim.bulk.items import Kind
from scim.bulk.run import BulkRunner
from scim.bulk.steps import LinkedSteps, Make, Steps, UserSteps
from scim.dialect import Dialects
from scim.provider import Provider

# Of the time that a request has, so that what was done can still be told.
_SHARE_OF_DEADLINE: Final = 0.7


def bulk_endpoint(
    app: web.Application, providers: Mapping[str, Provider], base: str, limits: BulkLimits
) -> BulkEndpoint:
    """Return the endpoint over the providers, which are given by the names of their resource types."""
    kinds = {}
    for name, provider in providers.items():
        resource_type = app[REGISTRY].resource_types[name]
        steps = _steps(app, resource_type, provider, base)
        kinds[resource_type.endpoint.lower()] = Kind(resource_type, steps, f"{base}{resource_type.endpoint}")
    seconds = app[CONFIG].server.deadline * _SHARE_OF_DEADLINE
    return BulkEndpoint(BulkRunner(kinds, app[NEW_ID], time.monotonic, seconds), limits)


def _steps(app: web.Application, resource_type: ResourceType, provider: Provider, base: str) -> Steps:
    dialects = Dialects(resource_type, base)
    match resource_type.name:
        case "User":
            return UserSteps(dialects, provider, app[USERS])
        case "Group":
            return LinkedSteps(dialects, provider, groups_together(app[GROUPS]))
        case name:
            return LinkedSteps(dialects, provider, app[RESOURCES][name].create_together)


def groups_together(groups: Groups) -> Make:
    """Return what makes groups in one commit."""

    async def make(actor: Actor, new: Sequence[tuple[Document, str]]) -> Sequence[Resource]:
        return await groups.create_together(actor, [GroupCreate(document, key) for document, key in new])

    return make
