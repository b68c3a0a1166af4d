"""The QR code: another program reads it back, and a strict page may show it."""

import re
import subprocess
from pathlib import Path
from xml.etree import ElementTree

import pyotp

from idp.auth.factors.qr import qr_svg
from idp.auth.factors.totp import Totp
from tests.support.authentication import House

SVG = "{http://www.w3.org/2000/svg}"
SCALE = 8


def raster(svg: str) -> bytes:
    """Draw the lines of the SVG as a bitmap: every move and stroke of the path, a pixel high."""
    root = ElementTree.fromstring(svg)  # noqa: S314 - our own output
    size = int(root.attrib["viewBox"].split()[2])
    rows = [[0] * size for _ in range(size)]
    path = root.findall(f"{SVG}path")[-1].attrib["d"]
    x = y = 0.0
    for command, numbers in re.findall(r"([Mmh])([-\d. ]+)", path):
        first, *rest = (float(number) for number in re.findall(r"-?[\d.]+", numbers))
        if command == "h":
            for column in range(int(x), int(x + first)):
                rows[int(y)][column] = 1
            x += first
        else:
            x, y = (first, rest[0]) if command == "M" else (x + first, y + rest[0])
    wide = [" ".join(str(bit) for bit in row for _ in range(SCALE)) for row in rows for _ in range(SCALE)]
    return f"P1 {size * SCALE} {size * SCALE}\n{chr(10).join(wide)}\n".encode()


def scanned(picture: Path) -> str:
    command = ["zbarimg", "--quiet", "--raw", str(picture)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


async def test_a_scanner_reads_the_address_that_the_app_needs(house: House, tmp_path: Path) -> None:
    user = await house.person("müller+work@example.test", source="scim:hr", displayName="Jörg Müller")
    totp: Totp = house.totp
    secret = totp.new_secret()
    pending = await totp.pending(user, totp.seal(user.id, secret))
    picture = tmp_path / "qr.pbm"
    picture.write_bytes(raster(pending.qr_svg))
    read = scanned(picture)
    assert read == pending.uri
    parsed = pyotp.parse_uri(read)
    assert isinstance(parsed, pyotp.TOTP)
    assert (parsed.secret, parsed.name, parsed.issuer) == (secret, "müller+work@example.test", "Gatehouse")


def test_nothing_in_the_picture_breaks_a_strict_content_security_policy() -> None:
    root = ElementTree.fromstring(qr_svg("otpauth://totp/x?secret=ABC"))  # noqa: S314 - our own output
    for element in root.iter():
        assert element.tag.removeprefix(SVG) in ("svg", "title", "path")
        assert not [name for name in element.attrib if name == "style" or name.startswith("on") or "href" in name]
