"""LDIF (RFC 2849), as far as tests write and read it."""

import base64
import re
from collections.abc import Iterable, Mapping, Sequence

Entry = Mapping[str, Sequence[str | bytes]]

# RFC 2849 SAFE-STRING: what may stand there without base64. A blank at the end is unwise, so it is encoded too.
_SAFE = re.compile(rb"[\x01-\x09\x0b\x0c\x0e-\x1f\x21-\x39\x3b\x3d-\x7f][\x01-\x09\x0b\x0c\x0e-\x7f]*(?<! )")
_SPECIAL_IN_DN = re.compile(r'([,+"\\<>;=])')


def escape_rdn(value: str) -> str:
    """Escape a value for a distinguished name (RFC 4514 section 2.4)."""
    escaped = _SPECIAL_IN_DN.sub(r"\\\1", value)
    if escaped.startswith(("#", " ")):
        escaped = "\\" + escaped
    if escaped.endswith(" ") and len(value) > 1:
        escaped = escaped[:-1] + "\\ "
    return escaped


def write_line(attribute: str, value: str | bytes) -> str:
    """Return one LDIF line, in base64 where the value needs it."""
    raw = value.encode() if isinstance(value, str) else value
    if not raw or _SAFE.fullmatch(raw):
        return f"{attribute}: {raw.decode()}\n"
    return f"{attribute}:: {base64.b64encode(raw).decode()}\n"


def write_entry(dn: str, attributes: Entry) -> str:
    """Return one content record."""
    lines = [write_line("dn", dn)]
    lines += [write_line(name, value) for name, values in attributes.items() for value in values]
    return "".join(lines) + "\n"


def write_change(dn: str, changes: Iterable[tuple[str, str, Sequence[str | bytes]]]) -> str:
    """Return one `changetype: modify` record of (add | replace | delete, attribute, values)."""
    text = write_line("dn", dn) + "changetype: modify\n"
    for operation, attribute, values in changes:
        text += f"{operation}: {attribute}\n"
        text += "".join(write_line(attribute, value) for value in values) + "-\n"
    return text + "\n"


def read_entries(text: str) -> dict[str, dict[str, list[bytes]]]:
    """Read content records as ldapsearch -LLL prints them: attributes by DN, values as they are in the directory."""
    entries: dict[str, dict[str, list[bytes]]] = {}
    for record in re.split(r"\n\n+", text.replace("\n ", "").strip("\n")):
        lines = [_read_line(line) for line in record.split("\n") if line and not line.startswith("#")]
        if not lines:
            continue
        attributes: dict[str, list[bytes]] = entries.setdefault(lines[0][1].decode(), {})
        for name, value in lines[1:]:
            attributes.setdefault(name, []).append(value)
    return entries


def _read_line(line: str) -> tuple[str, bytes]:
    name, _, rest = line.partition(":")
    if rest.startswith(":"):
        return name, base64.b64decode(rest[1:])
    return name, rest.removeprefix(" ").encode()
