"""The server under test as its users have it: the command, its settings, its HTTP addresses."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path

from tests.support.ports import HOST, free_port, is_listening
from tests.support.process import ServerError, ServerProcess

PROGRAM = Path(sys.executable).parent / "idp"


@dataclass(frozen=True)
class Run:
    """What a command printed, its time on the clock and on the CPU, and its memory at the peak (MB)."""

    output: str
    seconds: float
    cpu: float
    memory: float


class Idp:
    """`idp serve` on a data directory of its own, and the other commands beside it."""

    def __init__(self, directory: Path, settings: Mapping[str, str]) -> None:
        self.port = free_port()
        self.token = ""
        self.started_in = 0.0
        """Seconds from the start to the first answered request."""
        directory.mkdir(parents=True, exist_ok=True)
        self._directory = directory
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("IDP_")}
        own = {
            "IDP_LISTEN": f"{HOST}:{self.port}",
            "IDP_DATA": str(directory / "data"),
            "IDP_SERVER__ACCESS_LOG": "off",
        }
        self.environment = {**inherited, **own, **settings}
        self.process = ServerProcess([PROGRAM, "serve"], directory / "idp.log", env=self.environment, cwd=directory)

    def run(self, *arguments: str) -> Run:
        """Run a command of `idp`; ServerError when it fails."""
        output = self._directory / "output"
        begin = time.perf_counter()
        with output.open("wb") as file:
            process = subprocess.Popen(
                [PROGRAM, *arguments], env=self.environment, cwd=self._directory, stdout=file, stderr=file
            )
            _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - begin
        process.returncode = os.waitstatus_to_exitcode(status)
        text = output.read_text(errors="replace").strip()
        if process.returncode != 0:
            raise ServerError(f"idp {' '.join(arguments)} ended with {process.returncode}\n{text[-2000:]}")
        return Run(text, seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)

    def make_token(self) -> None:
        """Make the token of the client that the bench is."""
        self.token = self.run("token", "create", "bench").output

    @contextmanager
    def serving(self) -> Iterator[None]:
        """Serve inside of the block; a token is made unless there is one."""
        if not self.token:
            self.make_token()
        begin = time.perf_counter()
        self.process.start(self._is_ready)
        self.started_in = time.perf_counter() - begin
        try:
            yield
        finally:
            self.process.stop()

    def fetch(self, path: str, method: str = "GET", body: bytes | None = None) -> bytes:
        """Make one SCIM request and return the body of the answer; ServerError unless it succeeds."""
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/scim+json"}
        status, content = _request(self.port, method, path, headers, body)
        if status >= 300:
            raise ServerError(f"{method} {path} gave {status} {content[:500].decode(errors='replace')}")
        return content

    def memory(self) -> float:
        """Resident memory of the process in MB."""
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
        raise ServerError("no VmRSS in /proc")

    def _is_ready(self) -> bool:
        return is_listening(self.port) and _request(self.port, "GET", "/readyz", {}, None)[0] == 200


@contextmanager
def bare_server(payloads: Mapping[str, bytes], directory: Path) -> Iterator[tuple[int, int]]:
    """Serve these payloads by a bare aiohttp on uvloop, each under its name; gives port and process id."""
    files = directory / "payloads"
    files.mkdir(exist_ok=True)
    for name, content in payloads.items():
        (files / name).write_bytes(content)
    port = free_port()
    process = ServerProcess([sys.executable, "-m", "tests.bench.bare", str(port), files], directory / "bare.log")
    process.start(lambda: is_listening(port))
    try:
        yield port, process.pid
    finally:
        process.stop()


def _request(port: int, method: str, path: str, headers: Mapping[str, str], body: bytes | None) -> tuple[int, bytes]:
    with closing(HTTPConnection(HOST, port, timeout=60)) as connection:
        connection.request(method, path, body, dict(headers))
        answer = connection.getresponse()
        return answer.status, answer.read()
