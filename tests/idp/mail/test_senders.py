"""Senders, against a real SMTP server and a real directory."""

import asyncio
from pathlib import Path

import pytest

from idp.errors import ConfigError, Unavailable
from idp.mail import FileSender, Letter, Refused, SmtpSender
from tests.support.ports import free_port
from tests.support.smtp import SmtpServer

FROM = "gatehouse@example.test"


def letter(to: str = "ada@example.test", id: str = "letter-1", created: str = "2026-03-11T09:26:53.589Z") -> Letter:
    return Letter(id, to, created, "Grüße: 042137", "Your code is\n\n    042137\n", "<p>Your code is 042137</p>")


async def test_a_letter_arrives_with_both_parts_and_proper_headers(smtp: SmtpServer) -> None:
    await SmtpSender(smtp.url, FROM).send(letter())
    message = await smtp.wait_for("ada@example.test")
    assert message["Subject"] == "Grüße: 042137"
    assert message["From"] == FROM
    assert message["Message-ID"] == "<letter-1@example.test>"
    assert message["Auto-Submitted"] == "auto-generated"
    text, html = message.get_body(("plain",)), message.get_body(("html",))
    assert text is not None
    assert html is not None
    assert "    042137" in text.get_content()
    assert "<p>Your code is 042137</p>" in html.get_content()


async def test_an_address_outside_of_ascii_is_delivered_too(smtp: SmtpServer) -> None:
    await SmtpSender(smtp.url, FROM).send(letter("jörg@example.test"))
    assert len(await smtp.wait_for_count(1)) == 1


@pytest.mark.parametrize(
    ("answer", "error"), [("451 Try later", Unavailable), ("554 No", Refused), ("550 No such user", Refused)]
)
async def test_the_servers_answer_says_whether_to_try_again(
    smtp: SmtpServer, answer: str, error: type[Exception]
) -> None:
    smtp.answer = answer
    with pytest.raises(error) as caught:
        await SmtpSender(smtp.url, FROM).send(letter())
    assert "042137" not in str(caught.value)


@pytest.mark.parametrize("address", ["", "no address", "a@b@c", "ada@example.test\r\nBcc: eve@example.test", "@", "a@"])
async def test_an_impossible_address_is_refused_unsent(smtp: SmtpServer, address: str) -> None:
    with pytest.raises(Refused):
        await SmtpSender(smtp.url, FROM).send(letter(address))
    assert smtp.messages == []


async def test_a_server_that_is_not_there_is_unavailable_and_its_password_not_told() -> None:
    sender = SmtpSender(f"smtp://user:pa55word@127.0.0.1:{free_port()}", FROM)
    with pytest.raises(Unavailable) as caught:
        await sender.send(letter())
    assert "pa55word" not in f"{caught.value}{caught.value.__dict__}{sender!r}"


async def test_a_server_that_takes_no_password_is_our_setting_and_not_the_letters_fault(smtp: SmtpServer) -> None:
    with pytest.raises(Unavailable):
        await SmtpSender(smtp.url.replace("//", "//user:pa55word@"), FROM).send(letter())


@pytest.mark.parametrize("url", ["", "http://mail", "smtp://", "mail:25"])
def test_a_wrong_url_is_named(url: str) -> None:
    with pytest.raises(ConfigError, match=r"mail\.smtp"):
        SmtpSender(url, FROM)


async def test_without_a_server_letters_lie_in_files_for_the_owner_alone(tmp_path: Path) -> None:
    sender = FileSender(tmp_path / "mail", FROM)
    assert sender.letters() == []
    await sender.send(letter())
    await sender.send(letter("eve@example.test", "letter-2", "2026-03-11T09:27:00.000Z"))
    assert [one.to for one in sender.letters()] == ["eve@example.test", "ada@example.test"]
    assert sender.letters()[1].subject == "Grüße: 042137"
    assert "    042137" in sender.letters()[1].text
    files = list((tmp_path / "mail").iterdir())
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}
    assert (tmp_path / "mail").stat().st_mode & 0o777 == 0o700


async def test_sending_the_same_letter_again_leaves_one_file(tmp_path: Path) -> None:
    sender = FileSender(tmp_path, FROM)
    await asyncio.gather(*(sender.send(letter()) for _ in range(5)))
    assert len(sender.letters()) == 1


async def test_old_files_make_room(tmp_path: Path) -> None:
    sender = FileSender(tmp_path, FROM, kept=3)
    for second in range(5):
        await sender.send(letter(id=f"letter-{second}", created=f"2026-03-11T09:26:0{second}.000Z"))
    assert [one.at[-14:] for one in sender.letters()] == ["09:26:04 +0000", "09:26:03 +0000", "09:26:02 +0000"]


async def test_a_directory_that_cannot_be_written_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a directory")
    with pytest.raises(Unavailable, match="mail directory"):
        await FileSender(tmp_path / "file" / "mail", FROM).send(letter())
