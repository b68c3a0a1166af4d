"""Our own server and command line as real processes, in a directory of the test's own."""

import json
import os
import re
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import chdir, redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any
from unittest.mock import patch

from idp.cli.main import main
from tests.support.ports import HOST, free_port
from tests.support.process import PATIENCE, ServerError, ServerProcess

PROGRAM = Path(sys.executable).parent / "idp"
SETUP_LINK = re.compile(r"https?://\S+/setup\?token=\S+")


class Idp:
    """An installation: settings as variables, data below `directory`, the server, and commands beside it."""

    def __init__(
        self, directory: Path, *, store: str = "", settings: Mapping[str, str] | None = None, cwd: Path | None = None
    ) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.directory = directory
        # In another directory than ours, so that config/idp.toml is not found unless a test wants it.
        self.cwd = cwd or directory
        self.port = free_port()
        # Nothing of the developer's own settings; a wide terminal, and no colours.
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("IDP_")}
        self.env = inherited | {
            "IDP_LISTEN": f"{HOST}:{self.port}",
            "IDP_DATA": str(directory / "data"),
            "IDP_STORE": store,
            "NO_COLOR": "1",
            **(settings or {}),
        }
        self.process = ServerProcess([PROGRAM, "serve"], directory / "idp.log", env=self.env, cwd=self.cwd)

    @property
    def url(self) -> str:
        """The server's address."""
        return f"http://{HOST}:{self.port}"

    @property
    def scim(self) -> str:
        """The base of SCIM."""
        return f"{self.url}/scim/v2"

    def start(self, ready_at: str = "/readyz") -> None:
        """Start the server and return when it answers at this path."""
        self.process.start(lambda: self.answers(ready_at))

    def stop(self) -> int | None:
        """Tell the server to end and return its exit status."""
        return self.process.stop()

    def answers(self, path: str) -> bool:
        """Tell whether the server answers 200 there."""
        return self.status(path) == 200

    def status(self, path: str) -> int:
        """Return the status of a GET, 0 when nobody answers."""
        try:
            with urllib.request.urlopen(f"{self.url}{path}", timeout=PATIENCE) as answer:  # noqa: S310 -- our own address
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code
        except OSError:
            return 0

    def run(
        self, *arguments: str, stdin: str = "", env: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run a command beside the server and return how it ended."""
        return subprocess.run(
            [PROGRAM, *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            env=self.env | dict(env or {}),
            cwd=self.cwd,
            timeout=PATIENCE,
            check=False,
        )

    def command(self, *arguments: str, stdin: str = "") -> str:
        """Run a command that must succeed; returns what it printed, without the last line's end."""
        done = self.run(*arguments, stdin=stdin)
        if done.returncode != 0:
            raise ServerError(f"idp {' '.join(arguments)} ended with {done.returncode}\n{done.stderr}{done.stdout}")
        return done.stdout.rstrip("\n")

    def json(self, *arguments: str, stdin: str = "") -> Any:
        """Run a command with --json and return the document it prints."""
        return json.loads(self.command(*arguments, "--json", stdin=stdin))

    def setup_link(self) -> str:
        """Return the link that the server printed for the first administrator."""
        found = SETUP_LINK.search(self.process.log_text())
        if found is None:
            raise ServerError(f"no set-up link was printed\n{self.process.log_text()}")
        return found[0]

    def get(self, path: str, token: str, **parameters: str | int) -> Any:
        """GET a SCIM resource or list."""
        query = urllib.parse.urlencode(parameters)
        return self._scim("GET", f"{path}{'?' if query else ''}{query}", token)

    def patch(self, path: str, token: str, *operations: Mapping[str, Any]) -> Any:
        """PATCH a SCIM resource."""
        message = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": list(operations)}
        return self._scim("PATCH", path, token, message)

    def _scim(self, method: str, path: str, token: str, body: object = None) -> Any:
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/scim+json"}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.scim}{path}", data, headers, method=method)  # noqa: S310 -- our own
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:  # noqa: S310 -- our own address
            text = answer.read()
        return json.loads(text) if text else None


class LoadedIdp(Idp):
    """The same, but commands run inside of the test, because loading one takes longer than running it.

    What they are given and give is the same: arguments, variables, directory, standard input and output, exit status.
    """

    def run(
        self, *arguments: str, stdin: str = "", env: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run a command beside the server and return how it ended; a server is a process in any case."""
        if "serve" in arguments:
            return super().run(*arguments, stdin=stdin, env=env)
        return self.run_here(*arguments, stdin=stdin, env=env)

    def run_here(
        self, *arguments: str, stdin: str = "", env: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run a command, also one that would serve, if it were not to end before it does."""
        output, errors = StringIO(), StringIO()
        with (
            patch.dict(os.environ, self.env | dict(env or {}), clear=True),
            patch.multiple(sys, argv=["idp", *arguments], stdin=StringIO(stdin)),
            chdir(self.cwd),
            redirect_stdout(output),
            redirect_stderr(errors),
            # In a thread, because a test may run in an event loop, and a command makes one of its own.
            ThreadPoolExecutor(1) as thread,
        ):
            status = thread.submit(_exit_status).result(timeout=PATIENCE)
        return subprocess.CompletedProcess(["idp", *arguments], status, output.getvalue(), errors.getvalue())


def _exit_status() -> int:
    try:
        main()
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    return 0
