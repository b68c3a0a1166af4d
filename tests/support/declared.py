"""The example of declared schemas that comes with the project, as tests use it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from idp.schema import GROUP, USER, Registry, read_declarations, with_declared

FILE: Final = Path("config/schemas/devices.json")
DEVICE: Final = "urn:example:params:scim:schemas:core:2.0:Device"
WARRANTY: Final = "urn:example:params:scim:schemas:extension:2.0:Warranty"
BADGE: Final = "urn:example:params:scim:schemas:extension:2.0:Badge"


def registry(change: Callable[[dict[str, Any]], None] | None = None) -> Registry:
    """Return people, groups and what the file declares; `change` may edit the file's content before it is read."""
    content = json.loads(FILE.read_bytes())
    if change:
        change(content)
    declared = read_declarations(json.dumps(content).encode(), "devices")
    return Registry(with_declared([USER, GROUP], {"devices": declared}))


REGISTRY: Final = registry()


def device(serial: str, **more: Any) -> dict[str, Any]:
    """Return a device with what one must have, and more."""
    return {"schemas": [DEVICE], "serialNumber": serial, WARRANTY: {"provider": "ACME"}} | more
