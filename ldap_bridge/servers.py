"""How to reach a directory server, worked out of its section."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from idp.errors import ConfigError
from ldap_bridge.sections import SourceSettings


@dataclass(frozen=True, slots=True)
class Server:
    """How to reach a directory server."""

    host: str
    port: int
    ldaps: bool
    starttls: bool
    verify: bool
    ca_file: str
    bind_dn: str
    bind_password: str = field(repr=False)
    connect_timeout: float = 5.0
    timeout: float = 30.0
    page_size: int = 1000
    max_entries: int = 5_000_000
    binds: int = 8
    bind_idle: float = 60.0
    cert_file: str = ""
    key_file: str = ""
    external: bool = False
    socket: str = ""
    """The file of a local socket (`ldapi://`), in place of host and port."""
    others: tuple["Server", ...] = ()
    """Servers of the same data, asked in this order when this one cannot be reached."""

    @property
    def all(self) -> tuple["Server", ...]:
        """This server and the others."""
        return (self, *self.others)

    @property
    def url(self) -> str:
        """The address as people write it."""
        if self.socket:
            return f"ldapi://{quote(self.socket, safe='')}"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'ldaps' if self.ldaps else 'ldap'}://{host}:{self.port}"


def server_of(name: str, settings: SourceSettings) -> Server:
    """Return the server of a section, with the others that stand in for it. Raises ConfigError."""
    urls = [settings.url] if isinstance(settings.url, str) else settings.url
    if not urls:
        raise ConfigError(f"ldap.{name}.url", "is empty")
    first, *others = (_server(name, settings, url) for url in urls)
    return replace(first, others=tuple(others))


def _server(name: str, settings: SourceSettings, url: str) -> Server:
    socket = _socket(name, url)
    host, port, ldaps = ("", 0, False) if socket else _address(name, url)
    starttls = _starttls(name, settings, host, ldaps=ldaps)
    if settings.bind == "external" and not (socket or settings.cert_file):
        raise ConfigError(f"ldap.{name}.cert_file", "is missing: bind = external needs a certificate, or ldapi://")
    if settings.cert_file and not (ldaps or starttls):
        raise ConfigError(f"ldap.{name}.cert_file", f"{url} is not encrypted, so no certificate is shown")
    return Server(
        host=host,
        port=port,
        ldaps=ldaps,
        starttls=starttls,
        verify=settings.verify,
        ca_file=_existing(name, "ca_file", settings.ca_file),
        bind_dn=settings.bind_dn,
        bind_password=_password(name, settings),
        connect_timeout=settings.connect_timeout,
        timeout=settings.timeout,
        page_size=settings.page_size,
        max_entries=settings.max_entries,
        binds=settings.binds,
        bind_idle=settings.bind_idle,
        cert_file=_existing(name, "cert_file", settings.cert_file),
        key_file=_existing(name, "key_file", settings.key_file),
        external=settings.bind == "external",
        socket=socket,
    )


def _socket(name: str, url: str) -> str:
    """Return the file of an address that names a local socket, "" of any other."""
    scheme, _, rest = url.partition("://")
    if scheme.lower() != "ldapi":
        return ""
    file = unquote(rest)
    if not file.strip("/"):
        raise ConfigError(f"ldap.{name}.url", f"{url!r} names no socket: ldapi:///path/to/socket")
    return file


def _address(name: str, url: str) -> tuple[str, int, bool]:
    key = f"ldap.{name}.url"
    if "@" in url:
        # Not shown: there may be a password before it.
        raise ConfigError(key, "names an account; that belongs into bind_dn, and the password into bind_password")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise ConfigError(key, f"{url!r} is no address: {error}") from error
    if parts.scheme not in ("ldap", "ldaps") or not host or parts.path.strip("/") or parts.query:
        raise ConfigError(key, f"{url!r} must be ldap://host:port, ldaps://host:port, ldapi:///socket or ldif:file")
    ldaps = parts.scheme == "ldaps"
    return host, port or (636 if ldaps else 389), ldaps


def _starttls(name: str, settings: SourceSettings, host: str, *, ldaps: bool) -> bool:
    """Passwords cross the network encrypted unless somebody says otherwise; what stays on the machine is no network."""
    if not host:
        if settings.starttls:
            raise ConfigError(f"ldap.{name}.starttls", "a local socket is not encrypted; leave it out")
        return False
    if ldaps and settings.starttls:
        raise ConfigError(f"ldap.{name}.starttls", "ldaps:// is encrypted from the start; use one or the other")
    loopback = host in ("localhost", "::1") or host.startswith("127.")
    return not ldaps and not loopback if settings.starttls is None else settings.starttls


def _existing(name: str, key: str, file: str) -> str:
    if file and not Path(file).is_file():
        raise ConfigError(f"ldap.{name}.{key}", f"{file} does not exist")
    return file


def _password(name: str, settings: SourceSettings) -> str:
    if not settings.bind_password_file:
        return settings.bind_password
    try:
        return Path(settings.bind_password_file).read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"ldap.{name}.bind_password_file", f"cannot be read: {error}") from error
