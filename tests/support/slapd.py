"""A real OpenLDAP server as an ordinary process in a directory of the test's own."""

import shutil
from pathlib import Path

from tests.support.administered import Administered, run
from tests.support.people import BASE
from tests.support.ports import HOST, free_port, is_listening
from tests.support.process import ServerError, ServerProcess

PASSWORD = "admin-password"
SCHEMAS = ("core", "cosine", "nis", "inetorgperson")
MODULES = ("back_mdb", "syncprov", "memberof", "ppolicy")

CONFIG = """\
{includes}
pidfile {directory}/slapd.pid
modulepath /usr/lib/ldap
{modules}
sizelimit unlimited
{globals}
database mdb
dbnosync
maxsize 4294967296
suffix "{base}"
rootdn "{admin_dn}"
rootpw {password}
directory {directory}/data
index objectClass,uid,mail,member,memberOf,entryUUID,entryCSN,modifyTimestamp eq
access to attrs=userPassword by self write by anonymous auth by * none
access to * by * read
overlay memberof
memberof-refint TRUE
overlay ppolicy
ppolicy_default "cn=default,ou=policies,{base}"
ppolicy_use_lockout
overlay syncprov
syncprov-checkpoint 1000 5
syncprov-sessionlog 10000
{database}
"""


class Slapd(Administered):
    """One slapd; its data stays in `directory` over stop, kill and start.

    `global_lines` and `database_lines` are added to slapd.conf (TLS, limits, further overlays).
    """

    def __init__(self, directory: Path, *, base: str = BASE, global_lines: str = "", database_lines: str = "") -> None:
        self.base = base
        self.admin_dn = f"cn=admin,{base}"
        self.admin_password = PASSWORD
        self.port = free_port()
        self.url = f"ldap://{HOST}:{self.port}"
        (directory / "data").mkdir(parents=True, exist_ok=True)
        self._ldif = directory / "load.ldif"
        self._config = directory / "slapd.conf"
        self._config.write_text(
            CONFIG.format(
                includes="\n".join(f"include /etc/ldap/schema/{name}.schema" for name in SCHEMAS),
                modules="\n".join(f"moduleload {name}" for name in MODULES),
                directory=directory,
                base=base,
                admin_dn=self.admin_dn,
                password=PASSWORD,
                globals=global_lines,
                database=database_lines,
            )
        )
        self.process = ServerProcess(
            [_program("slapd"), "-d", "0", "-h", f"{self.url}/", "-f", self._config], directory / "slapd.log"
        )

    def load(self, ldif: str) -> None:
        """Write records into the database of a server that is not running (slapadd: fast, and no overlay sees them)."""
        self._ldif.write_text(ldif)
        run([_program("slapadd"), "-q", "-f", str(self._config), "-l", str(self._ldif)])

    def start(self) -> None:
        """Start the server and return when it accepts connections."""
        self.process.start(lambda: is_listening(self.port))

    def stop(self) -> None:
        """Shut the server down in order."""
        self.process.stop()

    def kill(self) -> None:
        """End the server as a power cut would."""
        self.process.kill()

    def restart(self) -> None:
        """Stop and start at the same address."""
        self.stop()
        self.start()


def _program(name: str) -> str:
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin")
    if found is None:
        raise ServerError(f"no {name}: apt-get install slapd ldap-utils")
    return found
