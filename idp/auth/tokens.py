"""One-time tokens for links: bound to one purpose, stored hashed, used up in the commit of what they allow."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

from idp.auth.secret_text import Random, digest, new_secret
from idp.clock import Clock, to_text
from idp.query import Field
from idp.store.contract import Delete, DeleteWhere, Insert, Store, Write

TOKENS: Final = "tokens"


@dataclass(frozen=True, slots=True)
class Taken:
    """What a token stands for. `spent` belongs into the commit of what it allows: it can be made only once."""

    subject: str
    data: Mapping[str, Any]
    spent: Delete = field(repr=False)


class OneTimeTokens:
    """Issues tokens and reads them back."""

    def __init__(self, store: Store, clock: Clock, random: Random) -> None:
        self._store = store
        self._clock = clock
        self._random = random

    def new_text(self) -> str:
        """Return the text of a token that nobody else has, for whoever issues one in several attempts."""
        return new_secret(self._random)

    def issue(
        self,
        purpose: str,
        subject: str,
        lifetime: timedelta,
        data: Mapping[str, Any] | None = None,
        *,
        text: str | None = None,
    ) -> tuple[str, Insert]:
        """Return a token's text, and the write that makes it valid; one with the same text is refused (NotUnique)."""
        text = text or self.new_text()
        document = {
            "id": _id(purpose, text),
            "purpose": purpose,
            "subject": subject,
            "data": dict(data or {}),
            "expires": to_text(self._clock.now() + lifetime),
        }
        return text, Insert(TOKENS, document)

    async def peek(self, purpose: str, text: str) -> Taken | None:
        """Return what a token stands for; None when it is unknown, used, expired or made for another purpose."""
        record = await self._store.get(TOKENS, _id(purpose, text))
        if record is None:
            return None
        document = record.document
        return Taken(document["subject"], document["data"], Delete(TOKENS, record.id, record.version))

    def voided(self, subject: str) -> Write:
        """Return the write that makes every token of a subject invalid."""
        return DeleteWhere(TOKENS, Field(("subject",)), subject)


def _id(purpose: str, text: str) -> str:
    return digest(f"{purpose}:{text}")
