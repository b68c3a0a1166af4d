"""SMTP with a password: over TLS only, and to nobody whose certificate is not good."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from idp.errors import Unavailable
from idp.mail import Letter, SmtpSender
from tests.support.certificates import Certificates, make_certificates
from tests.support.ports import HOST

FROM = "gatehouse@example.test"
Tls = ssl.SSLContext | None
LETTER = Letter("letter-1", "ada@example.test", "2026-03-11T09:26:53.589Z", "Hello", "Hello", "<p>Hello</p>")


class Mailroom:
    """Keeps what it is given, and every password it is shown."""

    def __init__(self) -> None:
        self.received: list[Envelope] = []
        self.passwords: list[bytes] = []

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        self.received.append(envelope)
        return "250 OK"

    def authenticate(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: LoginPassword
    ) -> AuthResult:
        self.passwords.append(data.password)
        return AuthResult(success=data.password == b"pa55word", handled=False)


@pytest.fixture
def room() -> Mailroom:
    return Mailroom()


@pytest.fixture
def certificates(tmp_path: Path) -> Certificates:
    return make_certificates(tmp_path / "certificates")


@pytest.fixture
def trusting(certificates: Certificates, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let this process trust the test's authority, as an operator would."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificates.ca))


def tls_of(certificates: Certificates) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificates.certificate, certificates.key)
    return context


@asynccontextmanager
async def listening(
    room: Mailroom, wrapped: ssl.SSLContext | None, offered: ssl.SSLContext | None
) -> AsyncIterator[int]:
    """A server with TLS around everything, STARTTLS on offer, or neither."""
    loop = asyncio.get_running_loop()

    def serve() -> SMTP:
        return SMTP(
            room,
            hostname="mail.example.test",
            authenticator=room.authenticate,
            auth_require_tls=False,
            tls_context=offered,
            loop=loop,
        )

    server = await loop.create_server(serve, HOST, 0, ssl=wrapped)
    async with AsyncExitStack() as at_end:
        at_end.callback(server.close)
        yield server.sockets[0].getsockname()[1]


@pytest.mark.usefixtures("trusting")
@pytest.mark.parametrize("scheme", ["smtps", "smtp"])
async def test_a_letter_goes_with_a_password_over_tls(room: Mailroom, certificates: Certificates, scheme: str) -> None:
    tls = tls_of(certificates)
    async with listening(room, *((tls, None) if scheme == "smtps" else (None, tls))) as port:
        await SmtpSender(f"{scheme}://gatehouse:pa55word@{HOST}:{port}", FROM).send(LETTER)
    assert len(room.received) == 1
    assert room.passwords == [b"pa55word"]


@pytest.mark.usefixtures("trusting")
async def test_a_wrong_password_is_not_the_letters_fault(room: Mailroom, certificates: Certificates) -> None:
    async with listening(room, tls_of(certificates), None) as port:
        with pytest.raises(Unavailable) as caught:
            await SmtpSender(f"smtps://gatehouse:wr0ng@{HOST}:{port}", FROM).send(LETTER)
    assert "wr0ng" not in str(caught.value)
    assert room.received == []


async def test_a_password_is_not_sent_where_there_is_no_tls(room: Mailroom) -> None:
    async with listening(room, None, None) as port:
        with pytest.raises(Unavailable):
            await SmtpSender(f"smtp://gatehouse:pa55word@{HOST}:{port}", FROM).send(LETTER)
    assert (room.passwords, room.received) == ([], [])


@pytest.mark.parametrize("scheme", ["smtps", "smtp"])
async def test_nothing_is_sent_to_a_server_whose_certificate_is_unknown(
    room: Mailroom, certificates: Certificates, scheme: str
) -> None:
    tls = tls_of(certificates)
    async with listening(room, *((tls, None) if scheme == "smtps" else (None, tls))) as port:
        with pytest.raises(Unavailable):
            await SmtpSender(f"{scheme}://gatehouse:pa55word@{HOST}:{port}", FROM).send(LETTER)
    assert (room.passwords, room.received) == ([], [])
