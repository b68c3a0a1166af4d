"""A real 389 Directory Server. Its instances live in the system's own directories, so this takes root."""

import os
import re
import select
import signal
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import ClassVar, Final

from tests.support.administered import Administered, run
from tests.support.ldif import write_change
from tests.support.people import BASE
from tests.support.ports import HOST, free_port, is_listening
from tests.support.process import ServerProcess

INSTANCE: Final = "gatehouse-test"
PASSWORD: Final = "admin-password"
_ADMIN: Final = "cn=Directory Manager"
_CONFIG: Final = Path(f"/etc/dirsrv/slapd-{INSTANCE}")
_PID: Final = Path(f"/run/dirsrv/slapd-{INSTANCE}.pid")
_SOCKET: Final = f"ldapi://%2Frun%2Fslapd-{INSTANCE}.socket"
_PLUGINS: Final = "cn=plugins,cn=config"
# The installer of the system's Python; it would start instances through systemd, which need not be there.
_INSTALL: Final = """
import logging, sys, lib389
from lib389.instance.setup import SetupDs
lib389.DirSrv.with_systemd = lambda instance: False
sys.exit(not SetupDs(False, False, logging.getLogger()).create_from_inf(sys.argv[1]))
"""
_ANSWERS: Final = f"""\
[general]
config_version = 2
full_machine_name = localhost
strict_host_checking = False
[slapd]
instance_name = {INSTANCE}
port = 0
root_dn = {_ADMIN}
root_password = {PASSWORD}
self_sign_cert = False
[backend-userroot]
suffix = {BASE}
create_suffix_entry = False
"""


class DirSrv(Administered):
    """One instance, with the retro changelog, memberOf and referential integrity; `remove` takes it away again."""

    stable: ClassVar[str] = "nsUniqueId"
    lock: ClassVar[tuple[str, str]] = ("nsAccountLock", "true")

    def __init__(self, directory: Path) -> None:
        self.base = BASE
        self.admin_dn, self.admin_password = _ADMIN, PASSWORD
        self.port = free_port()
        self.url = f"ldap://{HOST}:{self.port}"
        self._answers = directory / "dirsrv.inf"
        program: list[str | Path] = ["/usr/sbin/ns-slapd", "-d", "0", "-D", _CONFIG, "-i", directory / "ns-slapd.pid"]
        self.process = ServerProcess(program, directory / "ns-slapd.log")

    def start(self) -> None:
        """Install the instance, without a port until it is told to stay on this machine, and start it."""
        self.remove()
        self._answers.write_text(_ANSWERS)
        run(["/usr/bin/python3", "-c", _INSTALL, str(self._answers)])
        local = ["-x", "-H", _SOCKET, "-D", _ADMIN, "-w", PASSWORD]
        run(["ldapmodify", *local], self._configured())
        _end_installed()
        self.process.start(lambda: is_listening(self.port))
        self.empty(self.base)

    def load(self, ldif: str) -> None:
        """Add entries, without the policies of OpenLDAP; who is in which group the server itself says of people."""
        records = [record for record in ldif.split("\n\n") if "objectClass: pwdPolicy" not in record]
        self.modify(re.sub("(?m)^memberOf:.*\n", "", "\n\n".join(records) + "\n"))

    def remove(self) -> None:
        """Take the instance off the system; nothing happens when there is none."""
        self.process.stop()
        _end_installed()
        if _CONFIG.exists():
            subprocess.run(["/usr/sbin/dsctl", INSTANCE, "remove", "--do-it"], capture_output=True, check=True)

    def _configured(self) -> str:
        on = ("replace", "nsslapd-pluginEnabled", ["on"])
        where = [("replace", "nsslapd-listenhost", [HOST]), ("replace", "nsslapd-port", [str(self.port)])]
        log = [on, ("replace", "nsslapd-attribute", ["nsuniqueid:targetUniqueId"])]
        at_once = [on, ("replace", "referint-update-delay", ["0"])]
        return (
            write_change("cn=config", where)
            + write_change(f"cn=Retro Changelog Plugin,{_PLUGINS}", log)
            + write_change(f"cn=MemberOf Plugin,{_PLUGINS}", [on])
            + write_change(f"cn=referential integrity postoperation,{_PLUGINS}", at_once)
        )


def _end_installed() -> None:
    """End the process that the installation has started, and wait for that; nothing happens when there is none."""
    with suppress(FileNotFoundError, ProcessLookupError):
        pid = int(_PID.read_text())
        process = os.pidfd_open(pid)
        os.kill(pid, signal.SIGTERM)
        select.select([process], [], [], 30)
