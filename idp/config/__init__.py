"""Settings: what there is to set, from a TOML file, the environment and options, checked before anything starts."""

from idp.config.load import Loaded, load, read
from idp.config.model import (
    Config,
    DirectorySettings,
    LoginSettings,
    MailSettings,
    PasswordSettings,
    ScimSettings,
    SecretSettings,
    ServerSettings,
    StoreSettings,
)

__all__ = [
    "Config",
    "DirectorySettings",
    "Loaded",
    "LoginSettings",
    "MailSettings",
    "PasswordSettings",
    "ScimSettings",
    "SecretSettings",
    "ServerSettings",
    "StoreSettings",
    "load",
    "read",
]
