"""Moments as text: xsd:dateTime, and nothing that only looks like it."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from idp.clock import from_text, to_text

NOON = datetime(2026, 3, 11, 12, 30, 15, 250_000, tzinfo=UTC)


def test_a_moment_is_written_in_utc_with_milliseconds_and_read_again() -> None:
    assert to_text(NOON.astimezone(timezone(timedelta(hours=5)))) == "2026-03-11T12:30:15.250Z"
    assert from_text(to_text(NOON)) == NOON


@pytest.mark.parametrize(
    "text",
    [
        "2026-03-11T12:30:15.25Z",
        "2026-03-11T12:30:15.250",
        "2026-03-11T13:30:15.250000000+01:00",
        "2026-03-10T22:30:15.25-14:00",
    ],
)
def test_every_form_of_the_standard_is_read(text: str) -> None:
    assert from_text(text) == NOON


@pytest.mark.parametrize(
    "text",
    [
        *("", "now", "2026-03-11", "2026-03-11T12", "2026-03-11T12:30Z", "2026-03-11 12:30:15Z", "20260311T123015Z"),
        *("2026-W11-3T12:30:15Z", "2026-03-11T12:30:15[Z", "2026-03-11T12:30:15,5Z", "2026-03-11T12:30:15+01"),
        *("2026-02-30T12:30:15Z", "2026-03-11T25:30:15Z", "2026-03-11T12:30:15Z\n", " 2026-03-11T12:30:15Z"),
        "٢٠٢٦-03-11T12:30:15Z",
    ],
)
def test_what_only_looks_like_it_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"\S"):
        from_text(text)
