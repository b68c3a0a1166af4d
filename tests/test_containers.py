"""The scripts inside the containers, run outside of them."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.support.people import Company
from tests.support.ports import HOST, free_port, is_listening
from tests.support.process import ServerError, ServerProcess

ROOT = Path(__file__).parent.parent
START_SLAPD = ROOT / "docker" / "openldap" / "start.sh"
PASSWORD = "correct horse battery"


def _directory(tmp_path: Path, ldif: Path, **env: str) -> tuple[ServerProcess, int]:
    port = free_port()
    (tmp_path / "data").mkdir()
    settings = {"LDAP_LDIF": ldif, "LDAP_DATA": tmp_path / "data", "LDAP_LISTEN": f"ldap://{HOST}:{port}/"}
    environment = {"PATH": f"{os.environ['PATH']}:/usr/sbin", **{name: str(value) for name, value in settings.items()}}
    return ServerProcess(["sh", START_SLAPD], tmp_path / "log", env={**environment, **env}), port


def _count_people(port: int, base: str, *credentials: str) -> int:
    command = ["ldapsearch", "-x", "-LLL", "-H", f"ldap://{HOST}:{port}", "-b", base, *credentials]
    done = subprocess.run([*command, "(objectClass=inetOrgPerson)", "dn"], capture_output=True, text=True, check=False)
    return done.stdout.count("\ndn: ") + done.stdout.startswith("dn: ")


def test_the_directory_container_serves_the_sample_to_those_who_bind(tmp_path: Path, company: Company) -> None:
    ldif = tmp_path / "sample.ldif"
    ldif.write_text(company.ldif())
    server, port = _directory(tmp_path, ldif, LDAP_ADMIN_PASSWORD=PASSWORD)
    admin = ("-D", f"cn=admin,{company.base}", "-w", PASSWORD)
    try:
        server.start(lambda: is_listening(port))
        assert _count_people(port, company.base, *admin) == len(company.people)
        assert _count_people(port, company.base) == 0
        person = company.people[0]
        assert _count_people(port, company.base, "-D", person.dn, "-w", person.password) == len(company.people)
        server.stop()
        # The second start finds its data and does not load the sample again.
        ldif.write_text(f"dn: {company.base}\n")
        server.start(lambda: is_listening(port))
        assert _count_people(port, company.base, *admin) == len(company.people)
    finally:
        server.kill()


def test_the_directory_container_refuses_to_start_without_a_password(tmp_path: Path, company: Company) -> None:
    ldif = tmp_path / "sample.ldif"
    ldif.write_text(company.ldif())
    server, port = _directory(tmp_path, ldif)
    with pytest.raises(ServerError, match="give the directory administrator a password"):
        server.start(lambda: is_listening(port))
