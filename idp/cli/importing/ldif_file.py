"""People and groups from an LDIF file, mapped as the preset for OpenLDAP maps a directory's entries."""

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Final

from idp.cli.importing.rows import BUILT_IN, GROUPS, USERS, Row, Rows, Wrong
from idp.clock import SystemClock
from idp.schema import Registry
from ldap_bridge.ldif import BOM, LdifFile
from ldap_bridge.mapping import STABLE_DN, Found, Mapped, Mapper, login_ref
from ldap_bridge.settings import parse

_NAME: Final = "import"


def read(file: Path, registry: Registry = BUILT_IN) -> Rows:
    """Return the rows. Raises LdifError with the line that is wrong: half a file is not imported."""
    # An export may lack operational attributes such as entryUUID; nothing here has to outlive a rename.
    source = parse(_NAME, {"url": f"ldif:{file}", "stable_id": STABLE_DN}, registry=registry)
    mapper, ldif = Mapper(source), LdifFile(file)
    lines = _lines(ldif)
    people, groups = Mapped(), Mapped()
    for selection, work, mapped in (
        (mapper.people_selection, partial(mapper.people, SystemClock().now()), people),
        (mapper.group_selection, mapper.group_entries, groups),
    ):
        for batch in ldif.read(selection).batches():
            found = work(batch)
            mapped.found += found.found
            mapped.problems += found.problems
    names = _names(people.found, groups.found)
    rows: list[Row | Wrong] = [_row(lines, USERS, found, names) for found in people.found]
    rows += [_row(lines, GROUPS, found, names) for found in groups.found]
    rows += [Wrong(lines[problem.dn], problem.reason) for problem in (*people.problems, *groups.problems)]
    return rows


def _row(lines: Mapping[str, int], kind: str, found: Found, names: Mapping[str, str]) -> Row:
    document = found.document()
    if found.active is False:
        # That nothing speaks against an account does not switch it on again.
        document["active"] = False
    members = tuple(names.get(member, member.removeprefix(":")) for member in found.members)
    return Row(lines[found.dn], kind, document, members)


def _names(people: list[Found], groups: list[Found]) -> dict[str, str]:
    """Return how the planner knows whoever a group may name as its member, by DN key and by login."""
    names = {found.dn_key: str(found.document().get("externalId", found.name)) for found in (*groups, *people)}
    return names | {login_ref(found.name): names[found.dn_key] for found in people}


def _lines(ldif: LdifFile) -> dict[str, int]:
    """Return the line each entry begins on: every record has one line `dn:`, at its beginning."""
    dns = (entry.dn for entry in ldif.entries())
    return dict(zip(dns, _lines_with_dn(ldif.path), strict=False))


def _lines_with_dn(path: Path) -> Iterator[int]:
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if line.removeprefix(BOM)[:3].lower() == b"dn:":
                yield number
