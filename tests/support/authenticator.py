"""An authenticator app that nobody here wrote: oathtool makes the codes, zbarimg is its eye."""

import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

STEP = 30
"""Seconds that a code stands for (RFC 6238)."""


@dataclass(frozen=True)
class Authenticator:
    """One account in the app."""

    secret: str = field(repr=False)
    issuer: str = ""

    @classmethod
    def from_uri(cls, uri: str) -> "Authenticator":
        """Add the account of an otpauth address."""
        parts = urlsplit(uri)
        if (parts.scheme, parts.netloc) != ("otpauth", "totp"):
            raise ValueError("not an otpauth address for time-based codes")
        query = parse_qs(parts.query)
        return cls(query["secret"][0], query.get("issuer", [""])[0])

    @classmethod
    def from_picture(cls, picture: bytes, directory: Path) -> "Authenticator":
        """Scan the QR code on a screenshot; the picture is kept in the directory."""
        file = directory / "qr.png"
        file.write_bytes(picture)
        return cls.from_uri(_run("zbarimg", "--quiet", "--raw", str(file)))

    def code(self, *, later: int = 0) -> str:
        """Return the code that the app shows now, or so many steps later."""
        return _run("oathtool", "--totp", "--base32", "--now", f"now + {later * STEP} seconds", self.secret)


def _run(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
