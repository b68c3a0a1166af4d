"""Where a request came from, seen past trusted proxies and no others."""

import pytest
from aiohttp.test_utils import make_mocked_request
from multidict import CIMultiDict

from idp.errors import ConfigError
from idp.http.actor import parse_networks, seen_address


def address(remote: str, forwarded: list[str], trusted: list[str]) -> str:
    headers = CIMultiDict([("X-Forwarded-For", line) for line in forwarded])
    request = make_mocked_request("GET", "/", headers=headers).clone(remote=remote)
    return seen_address(request, parse_networks("server.trusted_proxies", trusted))


PROXIES = ["10.0.0.0/8", "2001:db8::/32"]


@pytest.mark.parametrize(
    ("remote", "forwarded", "seen"),
    [
        pytest.param("192.0.2.9", ["198.51.100.7"], "192.0.2.9", id="a stranger's header is not believed"),
        pytest.param("10.0.0.1", ["198.51.100.7"], "198.51.100.7", id="a proxy's is"),
        pytest.param("10.0.0.1", ["203.0.113.5, 198.51.100.7"], "198.51.100.7", id="only what the proxy wrote"),
        pytest.param("10.0.0.1", ["203.0.113.5", "198.51.100.7"], "198.51.100.7", id="also over several lines"),
        pytest.param("10.0.0.1", ["198.51.100.7, 10.0.0.2"], "198.51.100.7", id="through two proxies"),
        pytest.param("10.0.0.1", ["10.0.0.3, 10.0.0.2"], "10.0.0.3", id="from a proxy itself"),
        pytest.param("10.0.0.1", [], "10.0.0.1", id="no header"),
        pytest.param("10.0.0.1", ["198.51.100.7, unknown"], "10.0.0.1", id="an address nobody can read"),
        pytest.param("2001:db8::1", ["2001:db9::7"], "2001:db9::7", id="IPv6"),
    ],
)
def test_the_address_is_the_first_that_no_trusted_proxy_has(remote: str, forwarded: list[str], seen: str) -> None:
    assert address(remote, forwarded, PROXIES) == seen


def test_without_trusted_proxies_the_header_means_nothing() -> None:
    assert address("10.0.0.1", ["198.51.100.7"], []) == "10.0.0.1"


def test_a_network_that_is_none_is_a_wrong_setting() -> None:
    with pytest.raises(ConfigError, match=r"server\.trusted_proxies: .*'10.0.0/8'"):
        parse_networks("server.trusted_proxies", ["10.0.0/8"])
