"""From a message to a letter: rendered when it is queued, and sealed until it is sent."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, Protocol

import msgspec

from idp.clock import Clock, to_text
from idp.store.contract import Insert

if TYPE_CHECKING:
    from jinja2 import Environment

OUTBOX: Final = "outbox"
WAITING: Final = "waiting"


class Seal(Protocol):
    """Encrypts what may hold a code or a link while it waits in the store."""

    def seal(self, plain: bytes, context: str) -> str:
        """Return the encrypted bytes as text, bound to the context."""
        ...

    def open(self, sealed: str, context: str) -> bytes:
        """Return what was sealed for this context. Raises ValueError when that is not to be had."""
        ...


@dataclass(frozen=True, slots=True)
class Message:
    """What to say to whom: the template, the address, for how many seconds it is of use, the template's values."""

    template: str
    to: str
    seconds: int
    values: dict[str, str | int] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Letter:
    """A message in its final words."""

    id: str
    to: str
    created: str
    subject: str = field(repr=False)
    text: str = field(repr=False)
    html: str = field(repr=False)


class Mailer:
    """Turns messages into writes for the outbox, to go into the commit of what they tell of."""

    def __init__(self, clock: Clock, ids: Callable[[], str], seal: Seal, issuer: str, public_url: str) -> None:
        self._clock = clock
        self._ids = ids
        self._seal = seal
        self._common: dict[str, str | int] = {"issuer": issuer, "public_url": public_url}

    def queue(self, message: Message) -> Insert:
        """Return the write that puts a message into the outbox."""
        now = self._clock.now()
        letter_id = self._ids()
        return Insert(
            OUTBOX,
            {
                "id": letter_id,
                "to": message.to,
                "template": message.template,
                "state": WAITING,
                "attempts": 0,
                "created": to_text(now),
                "due": to_text(now),
                "expires": to_text(now + timedelta(seconds=message.seconds)),
                "sealed": self._seal.seal(msgspec.json.encode(self._words(message)), f"mail:{letter_id}"),
            },
        )

    def _words(self, message: Message) -> dict[str, str]:
        # A line break in somebody's name must not become a header or a paragraph of its own.
        values = {key: _on_one_line(value) for key, value in (message.values | self._common).items()}
        return {part: self._render(f"{message.template}/{file}", values) for part, file in _PARTS.items()}

    @cached_property
    def _templates(self) -> "Environment":
        from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape  # most commands mail nothing

        return Environment(
            loader=PackageLoader("idp.mail"),
            autoescape=select_autoescape(["html"], default=False),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )

    def _render(self, template: str, values: Mapping[str, str | int]) -> str:
        return self._templates.get_template(template).render(values).strip()


def _on_one_line(value: str | int) -> str | int:
    return " ".join(value.split()) if isinstance(value, str) else value


_PARTS: Final = {"subject": "subject.txt", "text": "body.txt", "html": "body.html"}


def opened(document: Mapping[str, Any], seal: Seal) -> Letter:
    """Return the letter that an outbox record holds. Raises ValueError when it cannot be read."""
    words = msgspec.json.decode(seal.open(document["sealed"], f"mail:{document['id']}"), type=dict[str, str])
    return Letter(id=document["id"], to=document["to"], created=document["created"], **words)
