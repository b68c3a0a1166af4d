"""Settings from four places, the later winning: defaults, the TOML file, the environment, options."""

import difflib
import json
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec

from idp.config.model import Config
from idp.config.networks import parse_networks
from idp.errors import ConfigError

SHORT_NAMES: Final[Mapping[str, str]] = {
    "IDP_LISTEN": "server.listen",
    "IDP_DATA": "server.data",
    "IDP_PUBLIC_URL": "server.public_url",
    "IDP_STORE": "store.url",
    "IDP_SMTP": "mail.smtp",
    "IDP_SECRET_KEY": "secrets.key",
}
DEFAULT_FILE: Final = "config/idp.toml"
"""Read when no file is named and this one lies below the working directory."""

# What Kubernetes sets in every pod beside a service whose name begins with idp, and what our tests ask for.
_OF_OTHERS: Final = re.compile(r"IDP_(\w+_)?(SERVICE_(HOST|PORT)|PORT)(_\w+)?|IDP_TEST_\w+")

_SECTIONS: Final[Mapping[str, type]] = {
    name: kind for name, kind in Config.__annotations__.items() if isinstance(kind, type) and name != "ldap"
}


@dataclass(frozen=True, slots=True)
class Setting:
    """A value as it was found, and where: a file, a variable or an option."""

    value: Any
    source: str
    lax: bool = False
    """Whether it came as text and is yet to be read as its key's type."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """The settings in force, where each that is not a default came from (by dotted key), and all that is wrong.

    `warnings` are what may be wrong and keeps nothing from starting.
    """

    config: Config
    sources: Mapping[str, str]
    problems: tuple[ConfigError, ...]
    warnings: tuple[ConfigError, ...] = ()


def load(path: str | None, environ: Mapping[str, str], overrides: Mapping[str, str]) -> Config:
    """Return the settings; raises ConfigError with the dotted key, or the file, of the first thing that is wrong."""
    loaded = read(path, environ, overrides)
    if loaded.problems:
        raise loaded.problems[0]
    return loaded.config


def read(path: str | None, environ: Mapping[str, str], overrides: Mapping[str, str]) -> Loaded:
    """Return the settings that can be used, with everything that is wrong beside them.

    `overrides` are options by dotted key. Raises ConfigError only for a file that cannot be read at all.
    """
    problems: list[ConfigError] = []
    settings: dict[str, Setting] = {}
    file = path or environ.get("IDP_CONFIG") or (DEFAULT_FILE if Path(DEFAULT_FILE).is_file() else None)
    if file:
        settings.update(_from_file(file, problems))
    settings.update(_from_environment(environ, problems))
    settings.update({key: Setting(value, "option", lax=True) for key, value in overrides.items()})
    tree: dict[str, dict[str, Any]] = {}
    for key, setting in settings.items():
        try:
            value = _checked(key, setting)
        except ConfigError as problem:
            problems.append(problem)
            continue
        section, _, rest = key.partition(".")
        _put(tree.setdefault(section, {}), rest.split("."), value)
    config = msgspec.convert(tree, Config)
    problems.extend(_contradictions(config))
    problems.extend(_bad_networks(config))
    sources = {key: setting.source for key, setting in settings.items()}
    return Loaded(config, sources, tuple(problems), tuple(_strange(environ)))


def keys() -> Iterator[tuple[str, Any]]:
    """Yield every dotted key but the directories', with its default."""
    for section, kind in _SECTIONS.items():
        default = kind()
        for name in kind.__struct_fields__:  # type: ignore[attr-defined]  # every section is a msgspec Struct
            yield f"{section}.{name}", getattr(default, name)


def _from_file(file: str, problems: list[ConfigError]) -> dict[str, Setting]:
    try:
        tree = tomllib.loads(Path(file).read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(file, f"cannot be read: {error.strerror}") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(file, f"is not TOML: {error}") from error
    found: dict[str, Setting] = {}
    for section, content in tree.items():
        if section != "ldap" and section not in _SECTIONS:
            problems.append(ConfigError(section, f"is not a section{_suggest(section, [*_SECTIONS, 'ldap'])}"))
        elif not isinstance(content, dict):
            problems.append(ConfigError(section, f"is a section: write [{section}] and its keys below it"))
        else:
            found.update(_flatten(section, content, file, problems))
    return found


def _flatten(section: str, content: dict[str, Any], file: str, problems: list[ConfigError]) -> dict[str, Setting]:
    if section != "ldap":
        return {f"{section}.{name}": Setting(value, file) for name, value in content.items()}
    found: dict[str, Setting] = {}
    for name, inner in content.items():
        if isinstance(inner, dict):
            found.update({f"ldap.{name}.{key}": Setting(value, file) for key, value in inner.items()})
        else:
            problems.append(ConfigError(f"ldap.{name}", f"is a directory's section: write [ldap.{name}]"))
    return found


def _from_environment(environ: Mapping[str, str], problems: list[ConfigError]) -> dict[str, Setting]:
    found: dict[str, Setting] = {}
    for name, value in sorted(environ.items()):
        if not name.startswith("IDP_") or name == "IDP_CONFIG":
            continue
        if "__" in name:
            key = name.removeprefix("IDP_").lower().replace("__", ".")
            found[key] = Setting(value, name, lax=True)
        elif name in SHORT_NAMES:
            # An empty variable means unset: compose files pass them on like that.
            if value:
                found[SHORT_NAMES[name]] = Setting(value, name, lax=True)
        elif near := _nearest(name, 0.85):
            # Others may share the prefix; near misses are ours.
            problems.append(ConfigError(name, f"is not a variable of ours; did you mean {near}?"))
    return found


def _strange(environ: Mapping[str, str]) -> Iterator[ConfigError]:
    """Yield variables with our prefix that set nothing and are no near misses either."""
    for name in sorted(environ):
        ours = not name.startswith("IDP_") or "__" in name or name in SHORT_NAMES or name == "IDP_CONFIG"
        if not ours and not _OF_OTHERS.fullmatch(name) and not _nearest(name, 0.85):
            yield ConfigError(name, f"is not a variable of ours and sets nothing; the nearest is {_nearest(name, 0)}")


def _nearest(name: str, cutoff: float) -> str:
    if cutoff and _OF_OTHERS.fullmatch(name):
        return ""
    variables = [*SHORT_NAMES, "IDP_CONFIG", *(f"IDP_{key.replace('.', '__').upper()}" for key, _ in keys())]
    return next(iter(difflib.get_close_matches(name, variables, 1, cutoff)), "")


def _checked(key: str, setting: Setting) -> Any:
    """Return the setting as its key's type; raises ConfigError."""
    section, _, name = key.partition(".")
    where = "" if setting.source == "option" else f" (in {setting.source})"
    if section == "ldap" and name.count(".") >= 1:
        return setting.value
    if section not in _SECTIONS:
        raise ConfigError(key, f"is not a setting{_suggest(section, [*_SECTIONS, 'ldap'])}{where}")
    types = {field.name: field.type for field in msgspec.structs.fields(_SECTIONS[section])}
    if name not in types:
        raise ConfigError(key, f"is not a setting{_suggest(key, [f'{section}.{other}' for other in types])}{where}")
    value = _split(setting.value) if setting.lax and _is_list(types[name]) else setting.value
    try:
        return msgspec.convert(value, types[name], strict=not setting.lax)
    except msgspec.ValidationError as error:
        raise ConfigError(key, f"{_in_words(str(error), types[name])}{where}") from error


def _contradictions(config: Config) -> Iterator[ConfigError]:
    """Yield what is wrong between keys that are right by themselves."""
    if config.login.session_max < config.login.session_idle:
        yield ConfigError("login.session_max", "is less than login.session_idle")
    if config.scim.default_count > config.scim.max_results:
        yield ConfigError("scim.default_count", "is more than scim.max_results")


def _bad_networks(config: Config) -> Iterator[ConfigError]:
    for name in ("trusted_proxies", "metrics_from"):
        try:
            parse_networks(f"server.{name}", getattr(config.server, name))
        except ConfigError as problem:
            yield problem


def _split(text: str) -> Any:
    if text.lstrip().startswith("["):
        try:
            return json.loads(text)
        except json.JSONDecodeError:
            return text
    return [part.strip() for part in text.split(",") if part.strip()]


def _is_list(kind: Any) -> bool:
    return isinstance(msgspec.inspect.type_info(kind), msgspec.inspect.ListType)


def _in_words(message: str, kind: Any) -> str:
    """Put msgspec's message the way somebody who edits a file reads it; values are left out, they may be secret."""
    if "regex" in message and (description := _description(kind)):
        return f"must be {description}"
    message = message.partition(" - at ")[0]
    return message[0].lower() + message[1:].replace("`", "")


def _description(kind: Any) -> str:
    found = msgspec.json.schema(kind)
    return str(found.get("description") or found.get("items", {}).get("description", ""))


def _put(tree: dict[str, Any], path: list[str], value: Any) -> None:
    for step in path[:-1]:
        inner = tree.get(step)
        inner = inner if isinstance(inner, dict) else {}
        tree[step] = inner
        tree = inner
    tree[path[-1]] = value


def _suggest(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, list(known), 1, cutoff=0.6)
    return f"; did you mean {near[0]}?" if near else ""
