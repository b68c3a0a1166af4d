"""The scripts inside the containers, run outside of them."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.ldif import read_entries
from tests.support.ports import HOST, free_port, is_listening
from tests.support.process import ServerError, ServerProcess

ROOT = Path(__file__).parent.parent
START_SLAPD = ROOT / "docker" / "openldap" / "start.sh"
SAMPLE = ROOT / "config" / "sample" / "directory.ldif"
BASE = "dc=example,dc=com"
ADMIN = f"cn=admin,{BASE}"
ADA = f"uid=ada,ou=people,{BASE}"
PASSWORD = "correct horse battery"


def _directory(tmp_path: Path, ldif: Path, **env: str) -> tuple[ServerProcess, int]:
    port = free_port()
    (tmp_path / "data").mkdir()
    settings = {"LDAP_LDIF": ldif, "LDAP_DATA": tmp_path / "data", "LDAP_LISTEN": f"ldap://{HOST}:{port}/"}
    environment = {"PATH": f"{os.environ['PATH']}:/usr/sbin", **{name: str(value) for name, value in settings.items()}}
    return ServerProcess(["sh", START_SLAPD], tmp_path / "log", env={**environment, **env}), port


def _count_people(port: int, *credentials: str) -> int:
    command = ["ldapsearch", "-x", "-LLL", "-H", f"ldap://{HOST}:{port}", "-b", BASE, *credentials]
    done = subprocess.run([*command, "(objectClass=inetOrgPerson)", "dn"], capture_output=True, text=True, check=False)
    return len(read_entries(done.stdout))


def test_the_directory_container_serves_the_sample_to_those_who_bind(tmp_path: Path) -> None:
    ldif = tmp_path / "sample.ldif"
    shutil.copy(SAMPLE, ldif)
    people = SAMPLE.read_text().count("objectClass: inetOrgPerson")
    server, port = _directory(tmp_path, ldif, LDAP_ADMIN_PASSWORD=PASSWORD)
    try:
        server.start(lambda: is_listening(port))
        assert _count_people(port, "-D", ADMIN, "-w", PASSWORD) == people
        assert _count_people(port, "-D", ADA, "-w", "ada-sample") == people
        assert _count_people(port, "-D", ADA, "-w", "wrong") == 0
        assert _count_people(port) == 0
        server.stop()
        # The second start finds its data and does not load the file again.
        ldif.write_text(f"dn: {BASE}\n")
        server.start(lambda: is_listening(port))
        assert _count_people(port, "-D", ADMIN, "-w", PASSWORD) == people
    finally:
        server.kill()


def test_the_directory_container_refuses_to_start_without_a_password(tmp_path: Path) -> None:
    server, port = _directory(tmp_path, SAMPLE)
    with pytest.raises(ServerError, match="give the directory administrator a password"):
        server.start(lambda: is_listening(port))


def test_the_compose_file_names_the_base_of_the_sample() -> None:
    compose = (ROOT / "docker-compose.yml").read_text()
    assert f"IDP_LDAP__SAMPLE__BASE: {BASE}\n" in compose
    assert f"dn: {BASE}\n" in SAMPLE.read_text()
