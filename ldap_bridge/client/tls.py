"""TLS with a directory server: whom we trust, what we show, and what to do about a server that is not to be trusted."""

import ssl
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Final

from idp.errors import ConfigError
from ldap_bridge.errors import DirectoryUntrusted
from ldap_bridge.servers import Server

_AUTHORITY: Final = "ca_file names the certificate of the authority that issued it"
_NAME: Final = "url must name the server as its certificate does"
# By OpenSSL's code of a verification that failed (x509_vfy.h): what mends it.
_BY_VERIFICATION: Final[Mapping[int, str]] = {
    9: "it is valid from later on: compare the clocks of both machines",
    10: "the server needs a new one",
    18: _AUTHORITY,
    19: _AUTHORITY,
    20: _AUTHORITY,
    21: _AUTHORITY,
    62: _NAME,
    64: _NAME,
}
_NO_TLS: Final = "what answers there may speak no TLS: ldap:// with starttls, or another port"
_ONLY_TLS: Final = "what answers there may speak TLS from the beginning: ldaps://"
_ASKED: Final = "the server may ask for a certificate (cert_file, key_file)"
_DOUBTED: Final = "the server may not accept the certificate of cert_file"
# By OpenSSL's name of what went wrong.
_BY_REASON: Final[Mapping[str, str]] = {
    "WRONG_VERSION_NUMBER": _NO_TLS,
    "RECORD_LAYER_FAILURE": _NO_TLS,
    "UNEXPECTED_EOF_WHILE_READING": _NO_TLS,
    "TLSV13_ALERT_CERTIFICATE_REQUIRED": _ASKED,
    "SSLV3_ALERT_HANDSHAKE_FAILURE": _ASKED,
    "SSLV3_ALERT_BAD_CERTIFICATE": _DOUBTED,
    "SSLV3_ALERT_CERTIFICATE_EXPIRED": _DOUBTED,
    "SSLV3_ALERT_CERTIFICATE_UNKNOWN": _DOUBTED,
    "TLSV1_ALERT_UNKNOWN_CA": _DOUBTED,
    "UNSUPPORTED_PROTOCOL": "the server speaks no TLS newer than 1.1",
    "TLSV1_ALERT_PROTOCOL_VERSION": "the server speaks no TLS newer than 1.1",
}


def context_for(source: str, server: Server) -> ssl.SSLContext:
    """Return a context that trusts the configured authority, or the system's. Raises ConfigError.

    It is made anew when one of its files is another one: to read the system's authorities takes longer than to log in.
    """
    system = ssl.get_default_verify_paths()
    files = (server.ca_file, server.cert_file, server.key_file, system.cafile, system.capath)
    return _context(source, server, tuple(map(_stamp, files)))


def _stamp(path: str | None) -> object:
    """Return what is another value once the file or directory was written or replaced."""
    try:
        found = Path(path).stat() if path else None
    except OSError:
        return None
    return found and (found.st_ino, found.st_size, found.st_mtime_ns)


@lru_cache(maxsize=32)
def _context(source: str, server: Server, files: object) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=server.ca_file or None)
    except OSError as error:
        raise ConfigError(f"ldap.{source}.ca_file", f"holds no certificates: {error}") from error
    if not server.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if server.cert_file:
        _show(source, server, context)
    return context


def distrusted(source: str, server: Server, error: Exception) -> DirectoryUntrusted:
    """Return the error for a line that could not be encrypted, or not with whom we wanted, with what mends it."""
    if isinstance(error, ssl.SSLCertVerificationError):
        reason, hint = error.verify_message or str(error), _BY_VERIFICATION.get(error.verify_code, "")
        told = f"the certificate of {server.url} is not trusted: {reason.rstrip('.')}"
    else:
        hint = _BY_REASON.get(error.reason or "", "") if isinstance(error, ssl.SSLError) else ""
        told = f"no TLS with {server.url}: {error}"
    return DirectoryUntrusted(source, f"{told}; {hint}" if hint else told)


def is_alert(error: OSError) -> bool:
    """Tell whether the server has said what it has against the line (RFC 8446 section 6)."""
    return isinstance(error, ssl.SSLError) and "ALERT" in (error.reason or "")


def hint_on_silent_end(server: Server, *, encrypted: bool) -> str:
    """Return what may be wrong when a line ends before a word was said on it: not every server sends an alert."""
    if encrypted:
        return f"; {_DOUBTED if server.cert_file else _ASKED}"
    return "" if server.socket else f"; {_ONLY_TLS}"


def _show(source: str, server: Server, context: ssl.SSLContext) -> None:
    """Load our own certificate."""
    try:
        context.load_cert_chain(server.cert_file, server.key_file or None, password=_no_password)
    except _Encrypted as error:
        key = "key_file" if server.key_file else "cert_file"
        raise ConfigError(
            f"ldap.{source}.{key}", "holds a key under a password; it must be readable as it is"
        ) from error
    except OSError as error:
        # OpenSSL does not say which of the two it could not use, but it does say when they are no pair.
        if "KEY_VALUES_MISMATCH" in str(error):
            raise ConfigError(f"ldap.{source}.key_file", "is not the key of the certificate in cert_file") from error
        named = f" with the key in {server.key_file}" if server.key_file else " with its key"
        raise ConfigError(f"ldap.{source}.cert_file", f"holds no certificate{named}: {error}") from error


class _Encrypted(Exception):
    """A key can be read with a password only."""


def _no_password() -> str:
    # Without an answer of ours OpenSSL would ask for it at the terminal, and wait there.
    raise _Encrypted
