"""A page that lies deep in a list, reached by cursors, beside the first one."""

from urllib.parse import quote

from tests.bench.growth import compared
from tests.bench.scene import Scene
from tests.bench.table import Row
from tests.bench.users import USERS
from tests.support.process import ServerError

DEPTH = 1_000
WANTED = 1.2
_COUNTS = 20, 100


def measure(scene: Scene, seconds: float, rounds: int) -> Row:
    """Go there page by page, then ask for both in turns."""
    least, most = _COUNTS
    count = max(least, min(most, scene.users // (DEPTH + 1)))
    depth = min(DEPTH, scene.users // count - 1)
    first = f"{USERS}?count={count}&cursor"
    deep = f"{first}={quote(_cursor_at(scene, first, depth))}"
    jobs = [scene.job("GET", [f"{path}&try=@n@"], seconds=seconds) for path in (deep, f"{first}=")]
    turns = [(scene.run(jobs[0]), scene.run(jobs[1])) for _ in range(rounds)]
    return compared(f"cursor page {depth + 1:,}, {count} on each, beside page 1", turns, WANTED, of="median")


def _cursor_at(scene: Scene, first: str, depth: int) -> str:
    cursor = ""
    for page in range(depth):
        answer = scene.get(f"{first}={quote(cursor)}")
        if "nextCursor" not in answer:
            raise ServerError(f"the list ended with page {page + 1} of {depth}")
        cursor = answer["nextCursor"]
    return cursor
