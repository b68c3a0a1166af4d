"""A user or a group as pages show one, read off the stored document and its declared attributes."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from idp.access.roles import DEFAULT_ROLE
from idp.auth.people import full_name, name_of, primary_mail
from idp.query import Document
from idp.schema import Attribute, ResourceType, Type
from idp.schema.urns import GATEHOUSE_USER
from idp.web.texts import utc, words

# What the page says elsewhere, better.
_SHOWN_ELSEWHERE: Final = frozenset({"id", "schemas", "meta", "groups", "members", "password", "active"})


@dataclass(frozen=True, slots=True)
class Person:
    """What lists and headings need of a user."""

    id: str
    name: str
    login: str
    mail: str
    active: bool
    role: str
    source: str
    status: Mapping[str, Any]
    created: str
    changed: str


@dataclass(frozen=True, slots=True)
class Team:
    """What lists and headings need of a group."""

    id: str
    name: str
    created: str
    changed: str


@dataclass(frozen=True, slots=True)
class Fact:
    """An attribute and its values as texts."""

    name: str
    texts: tuple[str, ...]


def person(document: Document) -> Person:
    """Return a user as lists and headings show one."""
    own: Mapping[str, Any] = document.get(GATEHOUSE_USER) or {}
    login = str(document["userName"])
    return Person(
        id=str(document["id"]),
        name=name_of(document),
        login=login,
        mail=primary_mail(document) or "",
        active=document.get("active") is True,
        role=str(own.get("role") or DEFAULT_ROLE),
        source=str(own.get("source") or "local"),
        status=own.get("status") or {},
        **_times(document),
    )


def team(document: Document) -> Team:
    """Return a group as lists and headings show one."""
    return Team(id=str(document["id"]), name=str(document["displayName"]), **_times(document))


def facts(resource_type: ResourceType, document: Document) -> list[Fact]:
    """Return every attribute that has a value, in the order of the declarations; ours are shown as the account's."""
    found = [*_facts(resource_type.schema.attributes, document)]
    for extension in resource_type.extensions:
        if extension.schema.id == GATEHOUSE_USER:
            continue
        found += _facts(extension.schema.attributes, document.get(extension.schema.id) or {})
    return found


def _facts(attributes: tuple[Attribute, ...], values: Mapping[str, Any]) -> Iterator[Fact]:
    for attribute in attributes:
        value = values.get(attribute.name)
        if attribute.name in _SHOWN_ELSEWHERE or value in (None, "", [], {}):
            continue
        elements = value if isinstance(value, list) else [value]
        yield Fact(words(attribute.name), tuple(_text(attribute, element) for element in elements))


def _text(attribute: Attribute, value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return _complex_text(attribute, value)
    return utc(str(value)) if attribute.type is Type.DATETIME else str(value)


def _complex_text(attribute: Attribute, value: Mapping[str, Any]) -> str:
    main = value.get("display") or full_name(value) or value.get("displayName") or value.get("value")
    if main is None:
        parts = [(sub, value[sub.name]) for sub in attribute.sub_attributes if value.get(sub.name) is not None]
        return ", ".join(_text(sub, part) for sub, part in parts)
    notes = [str(value["type"])] if value.get("type") else []
    notes += ["primary"] if value.get("primary") is True else []
    return f"{main} ({', '.join(notes)})" if notes else str(main)


def _times(document: Document) -> dict[str, str]:
    meta: Mapping[str, Any] = document.get("meta") or {}
    return {"created": str(meta.get("created", "")), "changed": str(meta.get("lastModified", ""))}
