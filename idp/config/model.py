"""What there is to set: one struct for each section of idp.toml, whose defaults are those of the product."""

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct, field

# More than a year is a slip, and of more than a century no calendar knows.
Seconds = Annotated[float, Meta(gt=0, le=86_400 * 366)]
Positive = Annotated[int, Meta(ge=1)]
# A pattern's description completes the sentence "must be …" when a value does not fit.
Limit = Annotated[
    str, Meta(pattern=r"^[1-9][0-9]*/[1-9][0-9]*[smhd]$", description="failures/time, like 10/5m or 20/1h")
]
Address = Annotated[str, Meta(pattern=r"^.*:[0-9]{1,5}$", description="host:port")]
PublicUrl = Annotated[
    str, Meta(pattern=r"^(https?://[^/?#]+/?)?$", description="http(s)://host without path, or empty")
]
StoreUrl = Annotated[
    str,
    Meta(
        pattern=r"^((sqlite:|mongodb://|mongodb\+srv://).+)?$",
        description="sqlite:file, mongodb://host/database, mongodb+srv://host/database, or empty",
    ),
]
SmtpUrl = Annotated[
    str, Meta(pattern=r"^(smtps?://.+)?$", description="smtp://host:port, smtps://user:password@host:port, or empty")
]
Mailbox = Annotated[str, Meta(pattern=r"^[^@]+@[^@]+$", description="a mail address")]


class Section(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A section of idp.toml. Its text names no values: some are secret."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}(…)"


class ServerSettings(Section, frozen=True):
    """Where the server listens, what it keeps, and the limits of one request."""

    listen: Address = "127.0.0.1:8080"
    public_url: PublicUrl = ""
    data: str = "./var"
    workers: Positive = 1
    trusted_proxies: list[str] = field(default_factory=list)
    metrics_from: list[str] = field(default_factory=lambda: ["127.0.0.0/8", "::1/128"])
    deadline: Seconds = 10.0
    drain: Seconds = 15.0
    max_body: Positive = 1_048_576
    max_lag: Seconds = 0.25
    access_log: Literal["text", "json", "off"] = "text"
    log_level: Literal["debug", "info", "warning", "error"] = "info"


class StoreSettings(Section, frozen=True):
    """Where everything is kept."""

    url: StoreUrl = ""
    timeout: Annotated[float, Meta(gt=0, le=86_400)] = 5.0
    max_waiting: Positive = 1024
    max_scan: Positive = 5_000_000


class DirectorySettings(Section, frozen=True):
    """Rules for people and groups, whoever writes them."""

    strict_names: bool = False
    unique_group_names: bool = False
    unknown_managers: Literal["keep", "refuse"] = "keep"
    history_days: Annotated[int, Meta(ge=1, le=36_500)] = 400


class LoginSettings(Section, frozen=True):
    """How people log in."""

    issuer: Annotated[str, Meta(min_length=1)] = "Gatehouse"
    mfa: Literal["required", "optional", "off"] = "required"
    factors: Annotated[list[Literal["totp", "email_code"]], Meta(min_length=1)] = field(
        default_factory=lambda: ["totp", "email_code"]
    )
    recovery_codes: Positive = 10
    session_idle: Seconds = 3600.0 * 8
    session_max: Seconds = 86400.0 * 7
    code_lifetime: Annotated[float, Meta(gt=0, le=600)] = 600.0
    account_limits: list[Limit] = field(default_factory=lambda: ["10/5m"])
    source_limits: list[Limit] = field(default_factory=lambda: ["50/5m"])
    factor_limits: list[Limit] = field(default_factory=lambda: ["5/5m", "20/1h", "50/1d"])


class PasswordSettings(Section, frozen=True):
    """What a local password must be, and what hashing one costs."""

    min_length: Annotated[int, Meta(ge=8, le=64)] = 10
    hash_memory: Annotated[int, Meta(ge=8)] = 19_456
    hash_time: Positive = 2
    hash_workers: Annotated[int, Meta(ge=0)] = 0
    hash_max_waiting: Positive = 64


class MailSettings(Section, frozen=True):
    """How mail leaves."""

    smtp: SmtpUrl = ""
    sender: Mailbox = "gatehouse@localhost"


class ScimSettings(Section, frozen=True):
    """What the SCIM endpoints serve, and their limits."""

    default_count: Positive = 100
    max_results: Positive = 1000
    cursor_timeout: Seconds = 3600.0
    bulk_max_operations: Positive = 1000
    bulk_max_payload: Positive = 1_048_576
    schemas: list[str] = field(default_factory=list)


class SecretSettings(Section, frozen=True):
    """The key under which secrets of second factors are encrypted."""

    key: str = ""
    key_file: str = ""


class Config(Section, frozen=True):
    """All settings. `ldap` holds each directory's section as written; the LDAP bridge checks it."""

    server: ServerSettings = field(default_factory=ServerSettings)
    store: StoreSettings = field(default_factory=StoreSettings)
    directory: DirectorySettings = field(default_factory=DirectorySettings)
    login: LoginSettings = field(default_factory=LoginSettings)
    password: PasswordSettings = field(default_factory=PasswordSettings)
    mail: MailSettings = field(default_factory=MailSettings)
    scim: ScimSettings = field(default_factory=ScimSettings)
    secrets: SecretSettings = field(default_factory=SecretSettings)
    ldap: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def public_url(self) -> str:
        """The address people and clients see, without a slash at its end."""
        return (self.server.public_url or f"http://{self.server.listen}").rstrip("/")

    @property
    def store_url(self) -> str:
        """The store's address; by default a SQLite file in the data directory."""
        return self.store.url or f"sqlite:{self.server.data.rstrip('/')}/idp.sqlite"

    @property
    def key_file(self) -> str:
        """Where the encryption key lies when none is given outright."""
        return self.secrets.key_file or f"{self.server.data.rstrip('/')}/secret.key"

    @property
    def outbox_dir(self) -> str:
        """Where mail is written when no SMTP server is set."""
        return f"{self.server.data.rstrip('/')}/mail"
