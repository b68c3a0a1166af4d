"""A small domain shaped like Active Directory: five people and a group."""

from typing import Any

from ldap_bridge.sync_controls import DIRSYNC
from tests.support.memory_directory import MemoryDirectory

AD = "DC=corp,DC=example"
STAFF = f"OU=Staff,{AD}"


def person(name: str) -> str:
    """The DN of a person, with a comma in it."""
    return f"CN=Last\\, {name},{STAFF}"


def domain(**options: Any) -> MemoryDirectory:
    """Five people and a group in a domain that offers DirSync."""
    found = MemoryDirectory(AD, root={"supportedControl": [DIRSYNC]}, **options)
    found.add(STAFF, ["organizationalUnit"])
    for number in range(5):
        found.add(person(f"p{number}"), ["user"], sAMAccountName=f"p{number}", sn="Last", department="Sales")
    found.add(f"CN=Team,{STAFF}", ["group"], cn="Team", member=[person("p0"), person("p1")])
    return found
