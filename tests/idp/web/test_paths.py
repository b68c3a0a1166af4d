"""Where a login may lead: never off the site."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from idp.web.paths import HOME, local_path, login_path

SITE = URL("https://login.example.org/login")


@pytest.mark.parametrize("path", ["/admin", "/admin/users?q=a%20b&page=2", "/account/totp", "/søk?navn=Åse", "/a#b"])
def test_a_path_of_this_site_is_kept(path: str) -> None:
    assert local_path(path) == path


@pytest.mark.parametrize(
    "text",
    [
        "",
        "account",
        "//evil.example",
        "///evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "/\t/evil.example",
        "/\n/evil.example",
        "https://evil.example/",
        "https:evil.example",
        "javascript:alert(1)",
        "/%2Fevil.example",
        "/%2f%2fevil.example",
        "/%5Cevil.example",
        "/%255Cevil.example",
        "/%25252525252Fevil.example",
        "/%09/evil.example",
        "/account%0d%0aSet-Cookie:x=y",
        "/" + "a" * 3000,
    ],
)
def test_anything_that_could_lead_elsewhere_becomes_the_account_page(text: str) -> None:
    assert local_path(text) == HOME


def test_the_root_means_the_account_page() -> None:
    assert local_path("/") == HOME


@given(st.text(alphabet="/\\.%25Ff09ac:@#?evil\t\n") | st.text())
def test_whatever_is_asked_for_a_browser_stays_on_the_site(text: str) -> None:
    # What browsers do to an address first: drop control characters, read backslashes as slashes.
    read = local_path(text).replace("\\", "/").translate({9: None, 10: None, 13: None})
    assert SITE.join(URL(read)).origin() == SITE.origin()


def test_the_way_to_the_login_remembers_the_page_with_its_query() -> None:
    assert login_path("/admin/users?q=a&page=2") == "/login?next=/admin/users%3Fq%3Da%26page%3D2"
