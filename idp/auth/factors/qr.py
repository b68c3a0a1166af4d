"""QR codes as SVG that a page with a strict Content-Security-Policy can show."""

from io import BytesIO


def qr_svg(text: str) -> str:
    """Return the SVG element, black on white in any colour scheme, without style attributes, scripts or links."""
    import segno  # its tables take longer to build than most starts have use for

    buffer = BytesIO()
    segno.make(text, error="m", micro=False).save(
        buffer,
        kind="svg",
        xmldecl=False,
        svgns=True,
        nl=False,
        omitsize=True,
        light="#fff",
        svgclass="qr",
        lineclass=None,
        # Read to people who cannot scan it; the secret stands beside it as text.
        title="QR code for an authenticator app",
    )
    return buffer.getvalue().decode()
