"""Processes of a machine that does not exist."""

from dataclasses import dataclass, field


@dataclass
class Others:
    """One process by its mark, and which marks are those of processes that have ended."""

    mark: str
    ended: set[str] = field(default_factory=set)

    def has_ended(self, mark: str) -> bool:
        """Tell whether the process of a mark was said to have ended."""
        return mark in self.ended
