"""Finds the attribute that a plain path names, however the client spells the way into an extension."""

from idp.errors import InvalidPath
from idp.schema.model import ResourceType, Target


def resolve(resource_type: ResourceType, path: str, *, dotted: bool = True) -> Target:
    """Resolve `userName`, `name.givenName`, `urn:…:User:manager` and also `urn:…:User.manager`. Raises InvalidPath.

    Entra ID joins an extension's URN and attribute with a dot, which is understood if it is to be (`dotted`).
    """
    try:
        return resource_type.resolve(path)
    except InvalidPath:
        lowered = path.lower()
        urn = next((urn for urn in resource_type.schemas if lowered.startswith(f"{urn}.")), None)
        if urn is None or not dotted:
            raise
        return resource_type.resolve(f"{path[: len(urn)]}:{path[len(urn) + 1 :]}")
