"""What stands in the way of a declaration, by name: values that several records share, or one that does not fit."""

from typing import Any, Final

from idp.errors import InvalidValue

# Enough to see what it is about; who has mended these is told the next ones.
NAMED: Final = 10


class SharedValues:
    """Gathers some of the values that records share, and counts the others."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, Any], dict[str, None]] = {}
        self._others = 0

    def add(self, field: str, value: Any, ids: tuple[str, ...]) -> None:
        """Note that these records, and maybe more, have the value."""
        key = (field, value)
        if key not in self._found and len(self._found) >= NAMED:
            self._others += 1
            return
        self._found.setdefault(key, {}).update(dict.fromkeys(ids))

    @property
    def reason(self) -> str | None:
        """What to tell about them; None if there are none."""
        if not self._found:
            return None
        fields = ", ".join(sorted({field for field, _ in self._found}))
        told = [f"{str(value)[:100]!r} ({', '.join(ids)})" for (_, value), ids in self._found.items()]
        more = f", and {self._others} more" if self._others else ""
        return f"{fields} cannot be made unique, because records share a value: {'; '.join(told)}{more}"


def unfit(id: str, error: InvalidValue) -> str:
    """Return what to tell of a record with a value that cannot be indexed as it is declared now."""
    return f"the record {id} does not fit what is declared: {error}"
