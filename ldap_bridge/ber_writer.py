"""The little BER that we write ourselves (X.690): tag, length and content. Pure."""

from ldap_bridge.ber import INTEGER


def element(tag: int, content: bytes) -> bytes:
    """Encode one element."""
    if len(content) < 0x80:
        return bytes([tag, len(content)]) + content
    size = (len(content).bit_length() + 7) // 8
    return bytes([tag, 0x80 | size]) + len(content).to_bytes(size, "big") + content


def number(value: int, tag: int = INTEGER) -> bytes:
    """Encode an INTEGER or ENUMERATED that is not negative."""
    return element(tag, value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True))
