"""Which liberties a document may take; each is one that some client in use takes."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Lenience:
    """What is understood although RFC 7643 asks for another form.

    `boolean_text`: `"True"` for true. `number_text`: `"5"` for 5, and 5 for text. `one_or_many`: one value where a list
    is meant, and a list of one where a value is. `bare_value`: text in place of a complex value, whose `value` it is;
    `""` for none. `reference_as_value`: `$ref` alone, whose last segment is the `value`. `joined_keys`: keys like
    `name.givenName` and `urn:…:User:department`. `foreign_schemas`: URNs in `schemas` that are not known here.
    """

    boolean_text: bool = True
    number_text: bool = True
    one_or_many: bool = True
    bare_value: bool = True
    reference_as_value: bool = True
    joined_keys: bool = True
    foreign_schemas: bool = True


LENIENT: Final = Lenience()
EXACT: Final = Lenience(
    boolean_text=False,
    number_text=False,
    one_or_many=False,
    bare_value=False,
    reference_as_value=False,
    joined_keys=False,
    foreign_schemas=False,
)
