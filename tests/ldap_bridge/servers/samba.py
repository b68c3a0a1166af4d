"""A real Active Directory domain: Samba's controller, LDAP only. Its port is the well-known one, so this takes root."""

from pathlib import Path
from typing import ClassVar, Final

from tests.support.administered import Administered, run
from tests.support.ports import HOST, is_listening
from tests.support.process import ServerError, ServerProcess

PORT: Final = 389
PASSWORD: Final = "Adm1n-Passw0rd!"
_CONFIG: Final = {
    "interfaces": HOST,
    "bind interfaces only": "yes",
    "ldap server require strong auth": "no",
    "server services": "ldap",
    "dcerpc endpoint servers": "none",
    "dns update command": "/bin/true",
}


class SambaDomain(Administered):
    """One domain with one controller, made anew in a directory."""

    stable: ClassVar[str] = "objectGUID"
    realm: ClassVar[str] = "corp.example"

    def __init__(self, directory: Path) -> None:
        self.base = "DC=corp,DC=example"
        self.admin_dn, self.admin_password = f"Administrator@{self.realm}", PASSWORD
        self.url = f"ldap://{HOST}:{PORT}"
        self._directory = directory
        self._settings = directory / "etc" / "smb.conf"
        program: list[str | Path] = ["/usr/sbin/samba", "-i", "-M", "single", "-s", self._settings]
        self.process = ServerProcess(program, directory / "samba.log")

    def start(self) -> None:
        """Make the domain and start its controller."""
        if is_listening(PORT):
            raise ServerError(f"something else listens on port {PORT}")
        names = [f"--realm={self.realm}", "--domain=CORP", f"--adminpass={PASSWORD}", "--server-role=dc"]
        options = [f"--option={name} = {value}" for name, value in _CONFIG.items()]
        place = ["--dns-backend=NONE", f"--targetdir={self._directory}"]
        run(["samba-tool", "domain", "provision", *names, *place, *options])
        # What the command was told of the network is not all in the file that it has written.
        given = "".join(f"\t{name} = {value}\n" for name, value in _CONFIG.items())
        log = f"\tlog file = {self._directory}/log.%m\n"
        self._settings.write_text(self._settings.read_text().replace("[global]\n", f"[global]\n{given}{log}", 1))
        self.process.start(lambda: is_listening(PORT))

    def stop(self) -> None:
        """End the controller."""
        self.process.stop()

    def give_password(self, login: str, password: str, *, must_change: bool = False) -> None:
        """Give an account a password, to be changed at once or not."""
        more = ["--must-change-at-next-login"] if must_change else []
        run(["samba-tool", "user", "setpassword", login, f"--newpassword={password}", *more, "-s", str(self._settings)])
