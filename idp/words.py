"""Numbers with their nouns, in the sentences that people read."""


def counted(count: int, one: str, several: str = "") -> str:
    """Return a number with its noun; `several` where an s behind it would not do."""
    return f"{count} {one if count == 1 else several or f'{one}s'}"
