"""Documents as stores keep them: JSON text, which is quicker to write and read than what databases have for them."""

from typing import Any, Final

import msgspec

from idp.errors import InvalidValue
from idp.query import Document

decode_body: Final = msgspec.json.Decoder(dict[str, Any]).decode


def encode_body(document: Document) -> bytes:
    """Return a document as it is stored. Raises InvalidValue when no text file could hold it."""
    try:
        return msgspec.json.encode(document)
    except UnicodeEncodeError as error:
        raise InvalidValue("document", "holds text that is not Unicode") from error
