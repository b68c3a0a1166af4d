"""What a local password must be: the sentences shown to people are the rules that are checked. Pure."""

from collections.abc import Sequence
from typing import Final

from idp.auth.hashing import MAX_PASSWORD
from idp.errors import InvalidValue
from idp.query import fold

_DISTINCT: Final = 5
# Names shorter than this turn up in good passwords by chance.
_NAME_LENGTH: Final = 4
# The words at the heart of the passwords that leak most often; digits and signs around them do not help.
_WORDS: Final = (
    "abc abcd abcde abcdef abcdefgh access admin administrator asdf asdfgh asdfghjkl azerty baseball batman changeme "
    "charlie computer default donald dragon flower football freedom gatehouse google "
    "guest hello hottie iloveyou jordan letmein login loveme lovely master michael monkey mustang ninja pass passw "
    "password passwort passphrase princess qazwsx qwer qwert qwerty qwertyuiop qwertz root secret shadow solo "
    "starwars summer sunshine superman superuser system temp test testing trustno user welcome whatever winter "
    "zaqxsw zxcv zxcvbn zxcvbnm"
)
_COMMON: Final = frozenset(_WORDS.split())
_LEET: Final = str.maketrans("013457@$!", "oieastasi")


class PasswordRules:
    """Rules after NIST SP 800-63B section 3.1.1.2: length counts, composition does not, common ones are refused."""

    def __init__(self, min_length: int) -> None:
        self._min_length = min_length

    @property
    def sentences(self) -> tuple[str, ...]:
        """The rules to show, in the order in which they are checked."""
        return (
            f"At least {self._min_length} characters.",
            f"At most {MAX_PASSWORD} characters.",
            f"At least {_DISTINCT} different characters.",
            "Not digits alone, nor a common word with digits or signs around it.",
            "Not made of your login name or mail address.",
        )

    def check(self, password: str, names: Sequence[str] = ()) -> None:
        """Do nothing for a good password. Raises InvalidValue on `password` with the rule it breaks."""
        broken = (
            len(password) < self._min_length,
            len(password) > MAX_PASSWORD,
            len(set(password)) < _DISTINCT,
            _is_common(password),
            _is_of_names(password, names),
        )
        for is_broken, sentence in zip(broken, self.sentences, strict=True):
            if is_broken:
                raise InvalidValue("password", sentence)


def _is_common(password: str) -> bool:
    folded = fold(password)
    heart = _letters(folded)
    if not heart:
        return True
    # From the first letter to the last: what stands around the word is not read as letters.
    word = folded[folded.index(heart[0]) : folded.rindex(heart[-1]) + 1]
    return heart in _COMMON or _letters(word.translate(_LEET)) in _COMMON


def _letters(text: str) -> str:
    return "".join(sign for sign in text if sign.isalpha())


def _is_of_names(password: str, names: Sequence[str]) -> bool:
    # A name within a long passphrase is no weakness; one that makes up half of the password is.
    folded = fold(password)
    usable = (fold(name) for name in names if len(name) >= _NAME_LENGTH)
    return any(name in folded and len(name) * 2 >= len(folded) for name in usable)
