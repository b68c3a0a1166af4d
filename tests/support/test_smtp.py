"""The mail server that tests use keeps messages, and refuses them when told to."""

from email.message import EmailMessage

import aiosmtplib
import pytest

from tests.support.smtp import SmtpServer


def _message(to: str, text: str) -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "idp@example.org", to, "Grüße"
    message.set_content(text)
    return message


async def test_it_keeps_what_it_was_given(smtp: SmtpServer) -> None:
    await aiosmtplib.send(_message("anna@example.org", "Your code is 123456.\n"), hostname="127.0.0.1", port=smtp.port)
    received = await smtp.wait_for("anna@example.org")
    assert received["Subject"] == "Grüße"
    assert received.get_content() == "Your code is 123456.\r\n"
    assert await smtp.wait_for_count(1) == [received]
    assert smtp.sent_to("bea@example.org") == []


async def test_it_refuses_mail_when_told_to(smtp: SmtpServer) -> None:
    smtp.answer = "451 Try later"
    with pytest.raises(aiosmtplib.SMTPDataError, match="Try later"):
        await aiosmtplib.send(_message("anna@example.org", "Hello"), hostname="127.0.0.1", port=smtp.port)
    assert smtp.messages == []


async def test_waiting_for_mail_that_does_not_come_ends(smtp: SmtpServer) -> None:
    with pytest.raises(TimeoutError):
        await smtp.wait_for("nobody@example.org", within=0.01)
