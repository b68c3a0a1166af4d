"""The tables of a section [ldap.NAME] as they are written, with their defaults."""

from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta, Struct

from ldap_bridge.feeds import AUTO

# Of more than a day sockets know nothing, and of more than a century calendars.
Seconds = Annotated[float, Meta(gt=0, le=86_400)]
_DAYS: Final = 36_500
Failures = Annotated[str, Meta(pattern=r"^[1-9][0-9]*/[1-9][0-9]*[smhd]$")]
Percent = Annotated[float, Meta(ge=0, le=100)]


class Section(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A part of the configuration file. Its text names no values: a password may be among them."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}(…)"


class RuleSettings(Section, frozen=True):
    """How one SCIM attribute gets its value: from the first attribute present (`a|b`), or from a template.

    A `shared` attribute gets its first value from the directory, and is everybody's to change from then on.
    """

    source: str = msgspec.field(default="", name="from")
    transform: str = ""
    template: str = ""
    separator: str = ", "
    pattern: str = ""
    max_kb: Annotated[int, Meta(ge=1, le=1024)] = 64
    shared: bool = False


class EntrySettings(Section, frozen=True):
    """Which entries are meant, and what of them becomes what."""

    base: str | list[str] = ""
    classes: list[str] = []
    not_classes: list[str] = []
    filter: str | list[str] = ""
    attributes: dict[str, str | RuleSettings] = {}


class UserSettings(EntrySettings, frozen=True):
    """Which entries are people. An account is out of use when one of the tests `inactive`, by attribute, says so.

    `manager` is the attribute that names somebody's manager by DN.
    """

    manager: str = ""
    inactive: dict[str, str] = {}


class GroupSettings(EntrySettings, frozen=True):
    """Which entries are groups. Members stand in `members` of the group, or in `member_of` of each person.

    `primary` is the attribute by which each person names one more group, by the last number of its objectSid.
    """

    members: list[str] = []
    member_of: str = ""
    primary: str = ""
    enabled: bool = True


class Most(Struct, frozen=True, forbid_unknown_fields=True):
    """How many a run may change unseen; it is held back when it would change more than both of these say."""

    count: Annotated[int, Meta(ge=0)] = 0
    percent: Percent = 0.0


class LimitSettings(Section, frozen=True):
    """What a run may do unseen. `count` and `percent` are about whoever would be disabled or removed, taken together.

    Each kind of change may have a limit of its own besides, and `groups` limits how many groups change in any way.
    `role` is about people who were here already, and `admin` about whoever may manage others, or may no more.
    """

    count: Annotated[int, Meta(ge=0)] = 5
    percent: Percent = 10.0
    create: Most | None = None
    enable: Most | None = None
    update: Most | None = None
    rename: Most | None = None
    move: Most | None = None
    disable: Most | None = None
    remove: Most | None = None
    purge: Most | None = None
    role: Most = Most(5, 10.0)
    admin: Most = Most(3, 10.0)
    groups: Most | None = None


class LoginSettings(Section, frozen=True):
    """How people log in with the directory's passwords.

    `limits` are failures allowed in a time, per account: fewer than the directory's own. While the directory is down
    logins are refused, or answered by passwords that it has accepted within `cached_hours`. With `create`, people whom
    no run has brought in yet are brought in when they log in.
    """

    limits: list[Failures] = msgspec.field(default_factory=lambda: ["4/15m"])
    outage: Literal["refuse", "cached"] = "refuse"
    create: bool = False
    cached_hours: Annotated[float, Meta(gt=0, le=24 * 90)] = 72.0


class SourceSettings(Section, frozen=True):
    """One directory. `url` is ldap://host, ldaps://host or ldapi:///socket, several of them, or ldif:file."""

    url: str | list[str]
    preset: str = "openldap"
    base: str | list[str] = ""
    bind_dn: str = ""
    bind_password: str = ""
    bind_password_file: str = ""
    starttls: bool | None = None
    verify: bool = True
    ca_file: str = ""
    cert_file: str = ""
    key_file: str = ""
    bind: Literal["simple", "external"] = "simple"
    connect_timeout: Seconds = 5.0
    timeout: Seconds = 30.0
    page_size: Annotated[int, Meta(ge=1, le=10_000)] = 1000
    max_entries: Annotated[int, Meta(ge=1)] = 5_000_000
    binds: Annotated[int, Meta(ge=1, le=64)] = 8
    bind_idle: Seconds = 60.0
    interval: Annotated[float, Meta(ge=0, le=_DAYS * 1440)] = 0.0
    stable_id: str = ""
    feed: str = AUTO
    full_every: Annotated[float, Meta(gt=0, le=_DAYS)] = 7.0
    purge_after: Annotated[float, Meta(ge=0, le=_DAYS)] = 0.0
    users: UserSettings = UserSettings()
    groups: GroupSettings = GroupSettings()
    roles: dict[str, str | list[str]] = {}
    limits: LimitSettings = LimitSettings()
    login: LoginSettings = LoginSettings()


def as_list(given: str | list[str]) -> list[str]:
    """Return what may be written as one value or as several; none for empty text."""
    return [value for value in ([given] if isinstance(given, str) else given) if value]
