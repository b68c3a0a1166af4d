"""Command line of the bench."""

import argparse
import os
import platform
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.bench import ldap, scim
from tests.bench.peers import PEERS
from tests.support.mongod import Mongod, with_database

_LARGE = [1_000, 100_000]
_SIZES = {
    (True, "sqlite"): [300, 3_000],
    (True, "mongodb"): [300, 3_000],
    (False, "sqlite"): [*_LARGE, 1_000_000],
    (False, "mongodb"): _LARGE,
}


def main() -> None:
    """Run the parts asked for and print their tables."""
    options = _options()
    sizes = options.users or _SIZES[options.quick, options.store]
    seconds = options.seconds or (2 if options.quick else 8)
    effort = scim.Effort(0.25, 1) if options.quick else scim.Effort(1.0, max(2, round(seconds)))
    people = options.people or (2_000 if options.quick else 100_000)
    rounds = f"{effort.rounds} rounds of {effort.seconds:g} s"
    print(f"{os.cpu_count()} cores, Python {platform.python_version()}, store {options.store}, {rounds}")
    options.directory.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="bench-", dir=options.directory) as name:
        directory = Path(name).absolute()
        with _store(options.store, directory) as settings:
            if options.part in ("all", "scim"):
                scim.bench(directory, sizes, effort, settings, PEERS if options.peers else ())
            if options.part in ("all", "ldap"):
                ldap.bench(directory, people, settings, seconds, options.times)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small sizes and short runs")
    parser.add_argument("--peers", action="store_true", help="install other SCIM servers for the run, and compare")
    parser.add_argument("--part", choices=["all", "scim", "ldap"], default="all")
    parser.add_argument("--store", choices=["sqlite", "mongodb"], default="sqlite")
    parser.add_argument("--users", type=int, action="append", help="size for SCIM, may be given several times")
    parser.add_argument("--people", type=int, help="size of the LDAP directory")
    parser.add_argument("--times", type=int, default=5, help="how much larger the directory is that shows memory")
    parser.add_argument("--seconds", type=float, help="length of each measure")
    # Not the system's place for temporary files: that may lie in memory, where a durable write costs nothing.
    parser.add_argument("--directory", type=Path, default=Path("var/bench"), help="where data goes while it runs")
    return parser.parse_args()


@contextmanager
def _store(kind: str, directory: Path) -> Iterator[dict[str, str]]:
    """Give the settings for the store; `@size@` keeps the databases of the sizes apart."""
    if kind == "sqlite":
        yield {}
        return
    server = Mongod(directory / "mongod")
    server.start()
    try:
        yield {"IDP_STORE": with_database(server.uri, "bench-@size@")}
    finally:
        server.kill()


if __name__ == "__main__":
    main()
