"""Values as people read them."""

import pytest

from idp.web.texts import browser, duration, grouped, initials, source, utc, why


@pytest.mark.parametrize(
    ("name", "letters"),
    [
        ("Ada Lovelace", "AL"),
        ("Ludwig Mies van der Rohe", "LR"),
        ("ada", "A"),
        ("ada.lovelace@example.org", "AO"),
        ("Ελένη Παπαδοπούλου", "ΕΠ"),
        ("太郎", "太"),
        ("  ", "?"),
        ("(…)", "?"),
    ],
)
def test_initials(name: str, letters: str) -> None:
    assert initials(name) == letters


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "1 second"), (1, "1 second"), (59, "59 seconds"), (60, "1 minute"), (61, "2 minutes"), (7200, "2 hours")],
)
def test_a_time_to_wait_is_rounded_up(seconds: int, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("agent", "text"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox on Linux"),
        ("Mozilla/5.0 (Windows NT 10.0; Win64) Chrome/140.0.0.0 Safari/537.36 Edg/140.0", "Edge on Windows"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Safari/604.1", "Safari on iPhone"),
        ("Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 Chrome/140.0 Mobile Safari/537.36", "Chrome on Android"),
        ("curl/8.5.0", "curl"),
        ("", "Unknown device"),
    ],
)
def test_a_browser_is_named(agent: str, text: str) -> None:
    assert browser(agent) == text


def test_a_source_is_named() -> None:
    assert [source(each) for each in ("local", "ldap:corp", "scim:hr")] == ["Local", "Directory corp", "SCIM client hr"]


def test_a_moment_is_written_in_utc_and_anything_else_is_left_alone() -> None:
    assert utc("2026-03-09T07:05:00.000Z") == "9 Mar 2026, 07:05 UTC"
    assert utc("soon") == "soon"


def test_a_secret_is_grouped_by_four() -> None:
    assert grouped("JBSWY3DPEHPK3PXPJB") == "JBSW Y3DP EHPK 3PXP JB"


def test_the_state_of_an_account_is_explained_in_one_sentence() -> None:
    status = {"reason": "gone from directory corp", "since": "2026-03-09T07:05:00Z", "by": "system:corp"}
    assert why(status) == "Gone from directory corp, since 9 Mar 2026, 07:05 UTC, by system:corp."
    assert why({}) == ""
