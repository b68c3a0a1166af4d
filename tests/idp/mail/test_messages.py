"""Messages: every one renders, says what it must in both parts, and cannot be misled by somebody's name."""

from collections.abc import Callable
from pathlib import Path

import pytest

from idp.auth.sealing import Sealer
from idp.mail import Letter, Mailer, Message, messages
from idp.mail.compose import opened

NAME = "Ada Lovelace"
MESSAGES: dict[str, Callable[[str], Message]] = {
    "login_code": lambda name: messages.login_code("ada@example.test", name, "042137", 600),
    "password_reset": lambda name: messages.password_reset("ada@example.test", name, "ada", "tok3n", 7200),
    "activation": lambda name: messages.activation("ada@example.test", name, "ada", "tok3n", 3 * 86400),
    "password_moved": lambda name: messages.password_moved("ada@example.test", name, "ada", "tok3n", 3 * 86400),
    "password_changed": lambda name: messages.password_changed("ada@example.test", name),
    "factor_enrolled": lambda name: messages.factor_enrolled("ada@example.test", name),
    "factor_removed": lambda name: messages.factor_removed("ada@example.test", name),
    "recovery_renewed": lambda name: messages.recovery_renewed("ada@example.test", name),
    "recovery_used": lambda name: messages.recovery_used("ada@example.test", name, 3),
    "directory_trouble": lambda name: messages.directory_trouble(
        "ada@example.test", name, "corp", "held", "7", "run-1"
    ),
}


def letter(mailer: Mailer, seal: Sealer, message: Message) -> Letter:
    return opened(mailer.queue(message).document, seal)


@pytest.mark.parametrize("kind", MESSAGES)
def test_every_message_greets_in_text_and_html_and_says_who_sends_it(kind: str, mailer: Mailer, seal: Sealer) -> None:
    written = letter(mailer, seal, MESSAGES[kind](NAME))
    assert "Gatehouse" in written.subject
    for part in (written.text, written.html):
        assert "Hello Ada Lovelace," in part
        assert "https://id.example.test" in part
    assert "{{" not in written.subject + written.text + written.html


@pytest.mark.parametrize("kind", ["login_code", "password_reset", "activation", "password_moved"])
def test_what_the_letter_is_for_stands_in_both_parts(kind: str, mailer: Mailer, seal: Sealer) -> None:
    written = letter(mailer, seal, MESSAGES[kind](NAME))
    needed = "042137" if kind == "login_code" else "https://id.example.test/reset?token=tok3n"
    assert needed in written.text
    assert needed in written.html


def test_every_template_has_a_message_and_every_message_a_template() -> None:
    folder = Path(messages.__file__).parent / "templates"
    assert {entry.name for entry in folder.iterdir() if entry.is_dir()} == set(MESSAGES)


@pytest.mark.parametrize("kind", MESSAGES)
def test_a_name_is_only_a_name(kind: str, mailer: Mailer, seal: Sealer) -> None:
    name = "<b>Eve</b>\r\nBcc: all@example.test\r\n\r\n{{ token }}"
    written = letter(mailer, seal, MESSAGES[kind](name))
    assert "\n" not in written.subject
    assert "<b>Eve" not in written.html
    assert "&lt;b&gt;Eve" in written.html
    assert "Hello <b>Eve</b> Bcc: all@example.test {{ token }}," in written.text


def test_a_queued_letter_shows_nothing_of_itself(mailer: Mailer, seal: Sealer) -> None:
    message = MESSAGES["login_code"](NAME)
    document = mailer.queue(message).document
    assert "042137" not in str(document) + repr(message) + repr(letter(mailer, seal, message))
    assert document["to"] == "ada@example.test"
    assert document["expires"] == "2026-03-11T09:36:53.589Z"
