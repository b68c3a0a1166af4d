"""A real SMTP server that keeps what it is given."""

import asyncio
from email import message_from_bytes, policy
from email.message import EmailMessage
from types import TracebackType
from typing import Self

from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.support.ports import HOST
from tests.support.process import PATIENCE

ACCEPTED = "250 Message accepted for delivery"


class SmtpServer:
    """Listens on a loopback port while it is entered; `messages` holds the mail in order of arrival."""

    def __init__(self) -> None:
        self.messages: list[EmailMessage] = []
        self.answer = ACCEPTED
        """The reply to every message; a test sets another one ("451 Try later") to have mail refused."""
        self.port = 0
        self._arrived = asyncio.Condition()
        self._server: asyncio.Server | None = None

    @property
    def url(self) -> str:
        """The address as the setting IDP_SMTP takes it."""
        return f"smtp://{HOST}:{self.port}"

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: SMTP(self, hostname="mail.example.test", enable_SMTPUTF8=True, loop=loop), HOST, self.port
        )
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server is not None:
            self._server.close()

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        """Take one message (aiosmtpd calls this) and tell those who wait."""
        if not self.answer.startswith("250"):
            return self.answer
        content = envelope.content or b""
        raw = content.encode() if isinstance(content, str) else content
        message = message_from_bytes(raw, policy=policy.default)
        async with self._arrived:
            self.messages.append(message)
            self._arrived.notify_all()
        return self.answer

    async def wait_for(self, to: str, within: float = PATIENCE) -> EmailMessage:
        """Return the latest message to this address, waiting for the first one; TimeoutError when none comes."""
        async with asyncio.timeout(within), self._arrived:
            await self._arrived.wait_for(lambda: bool(self.sent_to(to)))
        return self.sent_to(to)[-1]

    async def wait_for_count(self, count: int, within: float = PATIENCE) -> list[EmailMessage]:
        """Return all messages once there are so many; TimeoutError when they do not come."""
        async with asyncio.timeout(within), self._arrived:
            await self._arrived.wait_for(lambda: len(self.messages) >= count)
        return self.messages

    def sent_to(self, address: str) -> list[EmailMessage]:
        """Return the messages that name this address in To."""
        return [message for message in self.messages if address in str(message["To"])]
