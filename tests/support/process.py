"""A server process that a test starts, waits for, hurts and ends."""

import select
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

POLL_SECONDS = 0.02
# Far more than anything takes: how soon it happens says more about the machine.
PATIENCE = 120.0


class ServerError(Exception):
    """A server that a test needs did not do what it should; carries the end of its log."""


class ServerProcess:
    """One process with its output in a file, known ready by asking it, never by waiting a fixed time."""

    def __init__(
        self, command: Sequence[str | Path], log: Path, *, env: Mapping[str, str] | None = None, cwd: Path | None = None
    ) -> None:
        self.command = [str(part) for part in command]
        self.log = log
        self._env = dict(env) if env is not None else None
        self._cwd = cwd
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The process id; ServerError when it was never started."""
        return self._running().pid

    def is_running(self) -> bool:
        """Whether the process lives."""
        return self._process is not None and self._process.poll() is None

    def start(self, is_ready: Callable[[], bool], within: float = PATIENCE) -> None:
        """Start the process and return when `is_ready` says so; ServerError when it ends before or takes too long."""
        if self.is_running():
            raise ServerError(f"{self.command[0]} runs already")
        # The kernel ends the server when the test run itself is killed.
        tied = ["setpriv", "--pdeathsig", "KILL"] if shutil.which("setpriv") else []
        with self.log.open("ab") as output:
            self._process = subprocess.Popen(
                [*tied, *self.command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=self._env,
                cwd=self._cwd,
            )
        try:
            self.wait_until(is_ready, within)
        except ServerError:
            self.kill()
            raise

    def wait_until(self, condition: Callable[[], bool], within: float = PATIENCE) -> None:
        """Return when the condition holds; ServerError when the process ends before or the time is over."""
        until = time.monotonic() + within
        while not condition():
            try:
                # Doubles as the pause between two looks, and ends at once when the process does.
                status = self._running().wait(POLL_SECONDS)
            except subprocess.TimeoutExpired:
                if time.monotonic() < until:
                    continue
                raise ServerError(self._report(f"was not ready within {within:g} s")) from None
            raise ServerError(self._report(f"ended with status {status}"))

    def stop(self, within: float = PATIENCE) -> int | None:
        """Ask the process to end, insist when the time is over, and return its status; None if it was never started."""
        if self._process is None:
            return None
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGCONT)
            self._process.terminate()
        try:
            return self._process.wait(within)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()

    def kill(self) -> None:
        """End the process as a power cut would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def freeze(self) -> None:
        """Stop the process from running while its connections stay open."""
        self._running().send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let a frozen process go on."""
        self._running().send_signal(signal.SIGCONT)

    def log_text(self) -> str:
        """Return what the process has written so far."""
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise ServerError(f"{self.command[0]} was not started")
        return self._process

    def _report(self, what: str) -> str:
        tail = "\n".join(self.log_text().splitlines()[-20:])
        return f"{' '.join(self.command)} {what}\n{tail}"


def has_ended(pidfd: int) -> bool:
    """Tell whether a process ends soon, whoever its parent is by now."""
    return bool(select.select([pidfd], [], [], PATIENCE)[0])


def children_of(pid: int) -> set[int]:
    """Return the processes that a process has started."""
    return set(map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split()))
