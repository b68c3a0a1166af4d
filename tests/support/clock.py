"""A clock that stands still until a test moves it."""

from datetime import UTC, datetime, timedelta

# A moment without any property: no midnight, no month's end, no change of summer time near it.
START = datetime(2026, 3, 11, 9, 26, 53, 589000, tzinfo=UTC)


class FakeClock:
    """An `idp.clock.Clock` under the test's control."""

    def __init__(self, start: datetime = START) -> None:
        self._now = start.astimezone(UTC)

    def now(self) -> datetime:
        """Return the moment the test has set, in UTC."""
        return self._now

    def advance(self, seconds: float) -> datetime:
        """Move on by so many seconds and return the new moment; going back is an error."""
        if seconds < 0:
            raise ValueError("time does not go back")
        self._now += timedelta(seconds=seconds)
        return self._now

    def set(self, moment: datetime) -> None:
        """Jump to a moment, also a past one (a machine whose clock was corrected)."""
        self._now = moment.astimezone(UTC)
