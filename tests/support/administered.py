"""A real directory server as its administrator changes it and looks at it, by the tools of OpenLDAP."""

import subprocess
from collections.abc import Sequence
from typing import ClassVar

from tests.support.ldif import read_entries
from tests.support.process import ServerError


class Administered:
    """A directory server with an administrator; a subclass says where it is."""

    stable: ClassVar[str] = "entryUUID"
    """The attribute that tells its entries apart for ever."""
    lock: ClassVar[tuple[str, str]] = ("pwdAccountLockedTime", "000001010000Z")
    """What locks an account for good: an attribute and its value."""
    url: str
    base: str
    admin_dn: str
    admin_password: str

    def modify(self, ldif: str) -> None:
        """Apply change records (ldapmodify) as administrator; records without a changetype are added."""
        run(["ldapmodify", "-a", *self._as_admin()], ldif)

    def delete(self, *dns: str) -> None:
        """Delete entries as administrator."""
        run(["ldapdelete", *self._as_admin()], "".join(f"{dn}\n" for dn in dns))

    def empty(self, dn: str) -> None:
        """Delete an entry with everything below it."""
        run(["ldapdelete", "-r", *self._as_admin(), dn])

    def rename(self, dn: str, new_rdn: str, new_parent: str | None = None) -> None:
        """Give an entry another RDN, the old value dropped, and if asked another parent."""
        under = ["-s", new_parent] if new_parent else []
        run(["ldapmodrdn", "-r", *under, *self._as_admin(), dn, new_rdn])

    def search(
        self, filter_text: str = "(objectClass=*)", attributes: Sequence[str] = ("*", "+"), base: str | None = None
    ) -> dict[str, dict[str, list[bytes]]]:
        """Return what ldapsearch finds below `base`: attributes by DN, as the truth to compare with."""
        options = ["-LLL", "-o", "ldif-wrap=no", "-b", base or self.base]
        return read_entries(run(["ldapsearch", *options, *self._as_admin(), filter_text, *attributes]))

    def accepts(self, dn: str, password: str) -> bool:
        """Tell whether a simple bind with this password succeeds."""
        command = ["ldapwhoami", "-x", "-H", self.url, "-D", dn, "-w", password]
        return subprocess.run(command, capture_output=True, check=False).returncode == 0

    def _as_admin(self) -> list[str]:
        return ["-x", "-H", self.url, "-D", self.admin_dn, "-w", self.admin_password]


def run(command: Sequence[str], stdin: str | None = None) -> str:
    """Run a program to its end and return what it prints; ServerError when it fails."""
    done = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise ServerError(f"{' '.join(command)} ended with status {done.returncode}\n{done.stderr or done.stdout}")
    return done.stdout
