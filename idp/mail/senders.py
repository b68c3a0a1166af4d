"""Where letters go: to an SMTP server, or into files for a first look without one."""

import asyncio
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path
from tempfile import mkstemp
from typing import Final, Protocol
from urllib.parse import unquote, urlsplit

from idp.clock import from_text
from idp.errors import CallerError, ConfigError, Unavailable
from idp.mail.compose import Letter

_TIMEOUT: Final = 30.0
# Of RFC 5321's mailboxes all but quoted ones; letters of any script (RFC 6531).
_ADDRESS: Final = re.compile(r"""[^\s@<>()\[\]\\,;:"\x00-\x1f]+@[^\s@<>()\[\]\\,;:"\x00-\x1f]+""")


class Refused(CallerError):
    """The mail server (or the address's own form) says that this letter can never be delivered."""


class Sender(Protocol):
    """Sends one letter."""

    async def send(self, letter: Letter) -> None:
        """Return when somebody else has taken the letter over. Raises Unavailable (try later) or Refused (never)."""
        ...


class SmtpSender:
    """Sends through `smtp://[user:password@]host[:port]` (with STARTTLS where offered) or `smtps://`.

    A password is sent over TLS only; certificates are verified.
    """

    def __init__(self, url: str, sender: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("smtp", "smtps") or not parts.hostname:
            raise ConfigError("mail.smtp", "expected smtp://host:port or smtps://user:password@host:port")
        self._host = parts.hostname
        self._tls = parts.scheme == "smtps"
        self._port = parts.port or (465 if self._tls else 25)
        self._user = unquote(parts.username) if parts.username else None
        self._password = unquote(parts.password) if parts.password else None
        self._sender = sender

    async def send(self, letter: Letter) -> None:
        """Hand the letter to the server."""
        import aiosmtplib  # who mails nothing need not load it

        try:
            await aiosmtplib.send(
                as_mime(letter, self._sender),
                hostname=self._host,
                port=self._port,
                username=self._user,
                password=self._password,
                use_tls=self._tls,
                start_tls=True if self._user and not self._tls else None,
                timeout=_TIMEOUT,
            )
        except aiosmtplib.SMTPRecipientsRefused as error:
            codes = {refusal.code for refusal in error.recipients}
            raise _failure(max(codes, default=0)) from None
        except aiosmtplib.SMTPResponseException as error:
            raise _failure(error.code) from None
        except aiosmtplib.SMTPNotSupported:
            raise Refused("the mail server does not take such an address") from None
        except (aiosmtplib.SMTPException, OSError) as error:
            raise Unavailable("mail server", type(error).__name__) from None


@dataclass(frozen=True, slots=True)
class WrittenLetter:
    """A letter as it lies, or is to lie, in a file."""

    at: str
    to: str
    subject: str = field(repr=False)
    text: str = field(repr=False)


class FileSender:
    """Writes each letter into a file that only the server's user can read; the newest are kept."""

    def __init__(self, directory: Path, sender: str, kept: int = 1000) -> None:
        self._directory = directory
        self._sender = sender
        self._kept = kept

    async def send(self, letter: Letter) -> None:
        """Write the letter into a file of its own."""
        try:
            await asyncio.to_thread(self._write, letter)
        except OSError as error:
            raise Unavailable("mail directory", error.strerror or type(error).__name__) from error

    def letters(self, waiting: Iterable[Letter] = ()) -> list[WrittenLetter]:
        """Return what was sent, and of what waits to be sent all that has not been since; the newest first."""
        unsent = {_file_name(letter): letter for letter in waiting}
        written = {path.name: path for path in self._files()}
        return [
            _read(written[name]) if name in written else _unwritten(unsent[name])
            for name in sorted(unsent.keys() | written.keys(), reverse=True)
        ]

    def _write(self, letter: Letter) -> None:
        self._directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        content = as_mime(letter, self._sender).as_bytes()
        # A name of its own (and mode 0600): the same letter may be on its way twice.
        descriptor, draft = mkstemp(dir=self._directory, prefix=".")
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        Path(draft).rename(self._directory / _file_name(letter))
        for old in self._files()[: -self._kept]:
            old.unlink(missing_ok=True)

    def _files(self) -> list[Path]:
        return sorted(self._directory.glob("[!.]*.eml"))


def as_mime(letter: Letter, sender: str) -> EmailMessage:
    """Return the letter as a MIME message with a text and an HTML part. Raises Refused for an impossible address."""
    if not _ADDRESS.fullmatch(letter.to):
        raise Refused("the address is not one that mail can be sent to")
    user, _, domain = letter.to.partition("@")
    message = EmailMessage(policy.SMTPUTF8)
    message["To"] = Address(username=user, domain=domain)
    message["From"] = sender
    message["Subject"] = letter.subject
    message["Date"] = from_text(letter.created)
    message["Message-ID"] = f"<{letter.id}@{sender.rpartition('@')[2]}>"
    # RFC 3834: keeps vacation responders from answering.
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(letter.text)
    message.add_alternative(letter.html, subtype="html")
    return message


def _failure(code: int) -> Exception:
    # RFC 5321 section 4.2.1: 4yz is worth another try, 5yz is not. A refused log-in is our setting, not the letter's.
    if 500 <= code < 600 and code not in (530, 534, 535, 538):
        return Refused(f"the mail server refused the letter with {code}")
    return Unavailable("mail server", f"it answered {code}")


def _file_name(letter: Letter) -> str:
    return f"{letter.created.replace(':', '')}-{letter.id}.eml"


def _unwritten(letter: Letter) -> WrittenLetter:
    return WrittenLetter(format_datetime(from_text(letter.created)), letter.to, letter.subject, letter.text)


def _read(path: Path) -> WrittenLetter:
    message = message_from_bytes(path.read_bytes(), policy=policy.default)
    body = message.get_body(("plain",))
    text = body.get_content() if body else ""
    return WrittenLetter(str(message["Date"]), str(message["To"]), str(message["Subject"]), text)
