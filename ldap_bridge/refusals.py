"""Which mapped documents no account or group can be; most are seen to be right by their size, without a closer look.

Whoever is new is looked at here when a plan is made, and validated when it is carried out: the look must cost next to
nothing.
"""

from collections.abc import Callable
from typing import Final

from idp.errors import InvalidValue
from idp.schema import Mutability, ResourceType, Type, validate
from idp.schema.values import MAX_TEXT
from ldap_bridge.rules import Document, Rule, Table

CheckName = Callable[[str], None]
"""Refuses a name that nobody may have. Raises InvalidValue."""
# What text fits into if it is short and holds no NUL character; what a directory says is always text or a boolean.
_TEXTS: Final = frozenset({Type.STRING, Type.REFERENCE, Type.BOOLEAN})
# As JSON has it.
_NUL: Final = b"\\u0000"


class Refusals:
    """What the declarations of one resource type say against documents that a table makes."""

    def __init__(self, kind: ResourceType, table: Table, name: str, check_name: CheckName) -> None:
        self._kind = kind
        self._check_name = check_name
        self._is_plain = all(map(_is_plain, table.rules)) and not _asks_for_more(kind, table, name)

    def of(self, name: str, encoded: bytes, document: Callable[[], Document]) -> str:
        """Return why nothing can be as the document says, "" if it can; `encoded` is it as JSON, empty if not at hand.

        `name` is what it would be called.
        """
        try:
            if not (self._is_plain and name and 0 < len(encoded) <= MAX_TEXT and _NUL not in encoded):
                validate(self._kind, document(), creating=True)
            self._check_name(name)
        except InvalidValue as error:
            return str(error)
        return ""


def _is_plain(rule: Rule) -> bool:
    """Tell whether any short text will do where a rule puts its values."""
    leaf = rule.leaf
    is_text = leaf.type in _TEXTS or (leaf.type is Type.DATETIME and rule.how == "date")
    # A short text holds more plain values than a list may; of those with parts at most one is primary.
    return is_text and not leaf.multi_valued and leaf.name != "primary"


def _asks_for_more(kind: ResourceType, table: Table, name: str) -> bool:
    """Tell whether a document may lack something besides its name, which the mapping sees to."""
    held = {rule.place[0] for rule in table.rules}
    required = (
        target.keys
        for target in kind.targets()
        if target.attribute.required and target.attribute.mutability is not Mutability.READ_ONLY
    )
    asked = (keys for keys in required if keys not in ((name,), ("schemas",)))
    return any(len(keys) == 1 or keys[0] in held for keys in asked) or any(one.required for one in kind.extensions)
