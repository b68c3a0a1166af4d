"""The resource types that are served: those that come with the service, and those that the settings declare."""

from pathlib import Path

from idp.config import Config
from idp.errors import ConfigError
from idp.schema import Registry, default_registry, read_declarations, with_declared


def registry_of(config: Config) -> Registry:
    """Read the declared schemas and resource types. Raises ConfigError."""
    built_in = default_registry(unique_group_names=config.directory.unique_group_names)
    files = {name: read_declarations(_read(name), name) for name in config.scim.schemas}
    return Registry(with_declared(list(built_in.resource_types.values()), files))


def _read(name: str) -> bytes:
    try:
        return Path(name).read_bytes()
    except OSError as error:
        raise ConfigError("scim.schemas", f"{name} cannot be read: {error.strerror}") from error
