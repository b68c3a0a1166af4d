"""Who asks, from where, and when."""

from ipaddress import ip_address
from typing import TYPE_CHECKING, Final

from aiohttp import web

from idp.config.networks import Networks, parse_networks
from idp.memory import Moment

if TYPE_CHECKING:
    from idp.access import Actor

__all__ = [
    "ACTOR",
    "ADDRESS",
    "Networks",
    "actor_of",
    "begin",
    "client_address",
    "is_within",
    "moment_of",
    "parse_networks",
    "seen_address",
    "set_actor",
]

ACTOR: Final[web.RequestKey["Actor"]] = web.RequestKey("actor")
_MOMENT: Final[web.RequestKey[Moment]] = web.RequestKey("moment", Moment)
ADDRESS: Final[web.RequestKey[str]] = web.RequestKey("address")


def set_actor(request: web.Request, actor: "Actor") -> None:
    """Remember who was authenticated; the access log names the actor."""
    request[ACTOR] = actor


def actor_of(request: web.Request) -> "Actor":
    """Return the actor that a middleware has authenticated; asking without one is a bug of ours."""
    return request[ACTOR]


def begin(request: web.Request) -> Moment:
    """Remember since when the request has been there; returns it."""
    moment = request[_MOMENT] = Moment()
    return moment


def moment_of(request: web.Request) -> Moment:
    """Return since when the request has been there."""
    return request[_MOMENT]


def client_address(request: web.Request) -> str:
    """Return the address the request came from, seen past the proxies that the settings trust."""
    return request.get(ADDRESS) or request.remote or ""


def seen_address(request: web.Request, trusted: Networks) -> str:
    """Work the address out; the outermost middleware does so once.

    `X-Forwarded-For` is read from its end: what stands before the first untrusted address was written by a stranger.
    """
    address = request.remote or ""
    if not trusted or not is_within(address, trusted):
        return address
    hops = [hop.strip() for line in request.headers.getall("X-Forwarded-For", ()) for hop in line.split(",")]
    for hop in reversed(hops):
        if not _is_address(hop):
            return address
        address = hop
        if not is_within(hop, trusted):
            return hop
    return address


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def is_within(text: str, networks: Networks) -> bool:
    """Tell whether the text is an address in one of the networks."""
    return _is_address(text) and any(ip_address(text) in network for network in networks)
