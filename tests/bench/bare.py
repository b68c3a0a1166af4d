"""A bare aiohttp server on uvloop that answers files: python -m tests.bench.bare PORT DIRECTORY."""

import sys
from pathlib import Path

import uvloop
from aiohttp import web

from tests.support.ports import HOST


def application(directory: Path) -> web.Application:
    """Answer /NAME with the bytes of that file, after reading the request's body."""

    async def answer(request: web.Request) -> web.Response:
        await request.read()
        return web.Response(body=payloads[request.match_info["name"]], content_type="application/scim+json")

    payloads = {path.name: path.read_bytes() for path in directory.iterdir()}
    app = web.Application()
    app.router.add_route("*", "/{name}", answer)
    return app


def main() -> None:
    """Serve until the process is ended."""
    port, directory = int(sys.argv[1]), Path(sys.argv[2])
    uvloop.install()
    web.run_app(application(directory), host=HOST, port=port, access_log=None, print=None)


if __name__ == "__main__":
    main()
