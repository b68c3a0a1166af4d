"""`idp check-config`: every setting in force, where it came from, and everything that is wrong."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit, urlunsplit

import typer

from idp.cli.output import Json, print_json, styled
from idp.cli.run import Settings

if TYPE_CHECKING:
    from idp.config import Config, Loaded
    from idp.errors import ConfigError

WRONG = 2
HIDDEN: Final = "***"
_SECRET_ENDINGS: Final = ("password", "secret", "secrets.key")


def check_config(context: typer.Context, json: Json = False) -> None:
    """Show all settings, and what is wrong.

    Each with where it came from; the exit status is 2 if anything is wrong.
    """
    loaded = (context.find_object(Settings) or Settings()).read()
    config = loaded.config
    problems = [*loaded.problems, *_key_problems(config), *_schema_problems(config), *_directory_problems(config)]
    values = dict(_values(loaded))
    if json:
        settings = {key: {"value": value, "source": _source(loaded, key)} for key, value in values.items()}
        found = [{"key": problem.key, "reason": problem.reason} for problem in problems]
        warnings = [{"key": warning.key, "reason": warning.reason} for warning in loaded.warnings]
        print_json({"settings": settings, "problems": found, "warnings": warnings})
    else:
        _print(loaded, values, problems)
    if problems:
        raise typer.Exit(WRONG)


def _print(loaded: "Loaded", values: dict[str, Any], problems: list["ConfigError"]) -> None:
    for key, value in values.items():
        source = _source(loaded, key)
        line = f"{key} = {_shown(value)}"
        print(styled(line, "dim") if source == "default" else f"{line}  {styled(f'({source})', 'good')}")
    for warning in loaded.warnings:
        print(styled(f"warning: {warning}", "warn"))
    for problem in problems:
        print(styled(f"wrong: {problem}", "bad"))
    if not problems:
        print(styled("All settings are right.", "good"))


def _values(loaded: "Loaded") -> Iterator[tuple[str, Any]]:
    from idp.config.load import keys

    for key, _ in keys():
        section, _, name = key.partition(".")
        yield key, _hide(key, getattr(getattr(loaded.config, section), name))
    for name, directory in loaded.config.ldap.items():
        yield from _flat(f"ldap.{name}", directory)


def _flat(prefix: str, section: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in section.items():
        if isinstance(value, dict):
            yield from _flat(f"{prefix}.{name}", value)
        else:
            yield f"{prefix}.{name}", _hide(f"{prefix}.{name}", value)


def _hide(key: str, value: Any) -> Any:
    """Leave secrets out: whole values by their key's name, and passwords inside of addresses."""
    if key.endswith(_SECRET_ENDINGS):
        return HIDDEN if value else value
    if isinstance(value, str) and "://" in value and "@" in value:
        parts = urlsplit(value)
        return urlunsplit(parts._replace(netloc=f"{HIDDEN}@{parts.netloc.rpartition('@')[2]}"))
    return value


def _source(loaded: "Loaded", key: str) -> str:
    # A table inside of a directory's section was set as a whole.
    return next((loaded.sources[known] for known in _ancestors(key) if known in loaded.sources), "default")


def _ancestors(key: str) -> Iterator[str]:
    while key:
        yield key
        key = key.rpartition(".")[0]


def _shown(value: Any) -> str:
    import json

    return json.dumps(value, ensure_ascii=False)


def _key_problems(config: "Config") -> Iterator["ConfigError"]:
    import os
    from pathlib import Path

    from idp.auth.key_file import KeyFile
    from idp.errors import ConfigError

    keys = KeyFile(config.secrets.key, Path(config.key_file), os.urandom)
    # The server makes a key file that is missing; looking at settings does not.
    if config.secrets.key or keys.path.exists():
        try:
            keys.load()
        except ConfigError as problem:
            yield problem


def _schema_problems(config: "Config") -> Iterator["ConfigError"]:
    from idp.app.declared import registry_of
    from idp.errors import ConfigError

    try:
        registry_of(config)
    except ConfigError as problem:
        yield problem


def _directory_problems(config: "Config") -> Iterator["ConfigError"]:
    from idp.app.declared import registry_of
    from idp.errors import ConfigError
    from idp.schema import default_registry
    from ldap_bridge.directories import check_filters
    from ldap_bridge.mapping import Mapper
    from ldap_bridge.settings import parse

    try:
        registry = registry_of(config)
    except ConfigError:
        # What is wrong with the declarations is told by itself.
        registry = default_registry()
    for name, raw in config.ldap.items():
        try:
            source = parse(name, raw, registry=registry)
            Mapper(source)
            check_filters(source)
        except ConfigError as problem:
            yield problem
