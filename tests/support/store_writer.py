"""A process that commits without pause and says what was acknowledged, for tests that kill it.

`python -m tests.support.store_writer URL NAME COMMITS`: lanes side by side; each commit adds a pair of records and
moves the lane's counter, and `lane number` goes to standard output when it was acknowledged. COMMITS is per lane; 0
goes on for ever. Ends with status 3 when the store fails.
"""

import asyncio
import sys
from collections.abc import Iterable

from idp.clock import SystemClock
from idp.errors import RemoteError
from idp.query import EVERYTHING, Query
from idp.store import Insert, Record, Replace, Settings, Store, Write, open_store
from tests.support.stores import SAMPLES

# What a kill can hurt is what is under way: one commit in each lane.
LANES = 8
STORE_FAILED = 3
# How long a commit whose fate is unknown waits for its server to come back.
SECONDS = 4


def commit_of(lane: str, number: int) -> list[Write]:
    """What a lane commits at once: two records that belong together, and its counter."""
    pair = [
        Insert("people", {"id": f"{lane}-{number:06}-{half}", "userName": f"{lane}{number}{half}", "code": lane})
        for half in ("a", "b")
    ]
    counter = {"id": lane, "number": number}
    return [pair[0], Insert("plain", counter) if number == 1 else Replace("plain", counter, number - 1), pair[1]]


async def write(store: Store, lane: str, commits: int) -> None:
    """Commit one after the other, from where the lane's counter stands."""
    counter = await store.get("plain", lane)
    first = counter.version + 1 if counter else 1
    for number in range(first, first + (commits or sys.maxsize)):
        await store.commit(commit_of(lane, number))
        sys.stdout.write(f"{lane} {number}\n")
        sys.stdout.flush()


async def damage(store: Store, acknowledged: Iterable[tuple[str, int]]) -> list[str]:
    """Tell what is lost, half there or counted wrongly."""
    counted, found = -1, set[str]()
    counters: dict[str, Record] = {}
    # A server may still be at work on the last commit of a writer that is dead already.
    while counted != (counted := await store.count("people", EVERYTHING)):
        found = {record.id for record in (await store.find("people", Query(limit=1_000_000))).records}
        counters = {record.id: record for record in (await store.find("plain", Query(limit=1000))).records}
    lost = ((lane, number) for lane, number in acknowledged if f"{lane}-{number:06}-a" not in found)
    wrong = [f"{lane} {number} was acknowledged and is lost" for lane, number in lost]
    wrong += [f"{one} stands alone" for one in found if f"{one[:-1]}{'b' if one.endswith('a') else 'a'}" not in found]
    for lane, counter in counters.items():
        pairs = sum(one.startswith(f"{lane}-") for one in found) / 2
        if not pairs == counter.version == counter.document["number"]:
            wrong.append(
                f"{lane} stands at {counter.document['number']}, version {counter.version}, with {pairs} pairs"
            )
    if counted != len(found):
        wrong.append(f"{len(found)} records are counted as {counted}")
    return wrong


async def main(url: str, name: str, commits: int) -> int:
    """Write until done, killed or let down by the store."""
    store = await open_store(url, SAMPLES, SystemClock(), Settings(timeout=SECONDS))
    try:
        await asyncio.gather(*(write(store, f"{name}{lane}", commits) for lane in range(LANES)))
    except RemoteError:
        return STORE_FAILED
    finally:
        await store.close()
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3]))))
