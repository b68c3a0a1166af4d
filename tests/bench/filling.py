"""Fills a server's store with people, by the service that POST uses and many to a commit.

`python -m tests.bench.filling NUMBER TOKEN FILE` in the server's environment writes the ids into the file, by key.
"""

import asyncio
import os
import subprocess
import sys
import time
from pathlib import Path

from idp.app.collector import collect_seldom
from idp.app.services import open_services
from idp.config import read
from idp.directory import Resource, UserCreate
from idp.schema import USER
from scim.dialect import Dialects
from tests.bench.server import Idp
from tests.bench.users import key_of, numbered
from tests.support.ports import HOST
from tests.support.process import ServerError

_TOGETHER = 10_000


def fill(idp: Idp, users: int, directory: Path) -> list[str]:
    """Add so many people as the client whose token the server has; returns their ids, by number."""
    file = directory / "ids"
    command = [sys.executable, "-m", "tests.bench.filling", str(users), idp.token, str(file)]
    subprocess.run(command, env=idp.environment, check=True)
    ids = dict(zip(_order(users), file.read_text().split(), strict=True))
    return [ids[number] for number in range(users)]


def _order(users: int) -> list[int]:
    """The people by their keys: neighbours in most indexes are written together, which takes a third of the time."""
    return sorted(range(users), key=key_of)


async def _fill(users: int, token: str, ids: Path) -> None:
    collect_seldom()
    begin = time.perf_counter()
    async with open_services(read(None, os.environ, {}).config) as services:
        actor = await services.auth.clients.authenticate(token, HOST)
        dialect = Dialects(USER, "").of(actor)
        with ids.open("w") as file:
            order = _order(users)
            for start in range(0, users, _TOGETHER):
                wanted = order[start : start + _TOGETHER]
                new = [UserCreate(dialect.document(numbered(number))) for number in wanted]
                for outcome in await services.users.write_many(actor, new):
                    if not isinstance(outcome, Resource):
                        raise ServerError(f"a user was not created: {outcome}")
                    print(outcome.id, file=file)
                _tell(start + len(wanted), users, time.perf_counter() - begin)


def _tell(done: int, users: int, seconds: float) -> None:
    end = "\n" if done == users else "\r"
    print(f"{done:,} of {users:,} users, {done / seconds:,.0f}/s ", end=end, file=sys.stderr, flush=True)


def main() -> None:
    """Fill the store that the environment names."""
    users, token, ids = sys.argv[1:]
    asyncio.run(_fill(int(users), token, Path(ids)))


if __name__ == "__main__":
    main()
