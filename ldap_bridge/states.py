"""Whether an account may be used, as directories say it: a table of tests of one attribute each, some about time."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from idp.errors import ConfigError
from ldap_bridge.rules import BadValue
from ldap_bridge.transforms import filetime, moment_of

Values = Sequence[bytes]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What tests say. `reason` is why the account is not to be used, "" when it is.

    `until` is the next moment at which time alone may change that.
    """

    reason: str = ""
    until: datetime | None = None


Test = Callable[[Values, datetime], Verdict]
Argument = Callable[[str], Test]

DISABLED, EXPIRED, LOCKED = "disabled", "expired", "locked"
_EPOCH_1970: Final = datetime(1970, 1, 1, tzinfo=UTC)
# draft-behera-ldap-password-policy-11 section 5.3.3: locked until somebody unlocks it.
_FOR_GOOD: Final = "000001010000Z"


@dataclass(frozen=True, slots=True)
class States:
    """The tests of one source, by attribute; an account may be used when none of them says otherwise."""

    tests: tuple[tuple[str, Test], ...] = ()

    @property
    def attributes(self) -> list[str]:
        """What is read for them."""
        return [name for name, _ in self.tests]

    def judge(self, attributes: Mapping[str, Values], now: datetime) -> Verdict:
        """Return what all tests together say; the first that is against gives the reason. Raises BadValue."""
        reason, moments = "", list[datetime]()
        for name, test in self.tests:
            try:
                found = test(attributes.get(name.lower(), ()), now)
            except (ValueError, OverflowError) as error:
                raise BadValue(name, _why(error)) from None
            if found.reason and not reason:
                reason = f"{found.reason} in the directory ({name})"
            moments += [found.until] if found.until else []
        return Verdict(reason, min(moments, default=None))


def compile_states(settings: Mapping[str, str], prefix: str) -> States:
    """Compile `attribute = "test"` or `"test:argument"`. Raises ConfigError; tests of "" are left out."""
    tests = []
    for name, text in settings.items():
        word, _, argument = text.partition(":")
        if not word:
            continue
        make = _TESTS.get(word)
        if make is None:
            raise ConfigError(f"{prefix}.{name}", f"{word!r} is no test; there are {', '.join(sorted(_TESTS))}")
        try:
            tests.append((name, make(argument)))
        except ValueError as error:
            raise ConfigError(f"{prefix}.{name}", f"{text!r}: {error}") from None
    return States(tuple(tests))


def _bit(argument: str) -> Test:
    try:
        mask = int(argument, 0)
    except ValueError:
        raise ValueError("needs the bits as a number: bit:0x2") from None
    return _whether(lambda values: any(_number(value) & mask for value in values))


def _is(argument: str) -> Test:
    wanted = _words(argument)
    return _whether(lambda values: not wanted.isdisjoint(_folded(values)))


def _not(argument: str) -> Test:
    wanted = _words(argument)
    return _whether(lambda values: bool(values) and wanted.isdisjoint(_folded(values)))


def _present(argument: str) -> Test:
    _demand_none(argument)
    return _whether(any)


def _absent(argument: str) -> Test:
    _demand_none(argument)
    return _whether(lambda values: not any(values))


def _whether(against: Callable[[Values], bool]) -> Test:
    return lambda values, now: Verdict(DISABLED if against(values) else "")


def _expires(argument: str) -> Test:
    """Make a test that is against the account from a moment on."""
    read = _MOMENTS.get(argument)
    if read is None:
        raise ValueError(f"the moment is written as {', '.join(filter(None, _MOMENTS))}, or without a word")

    def test(values: Values, now: datetime) -> Verdict:
        moments = [moment for value in values if (moment := read(value)) is not None]
        if not moments:
            return Verdict()
        at = min(moments)
        return Verdict(EXPIRED) if at <= now else Verdict(until=at)

    return test


def _locked(argument: str) -> Test:
    """Make a test of since when somebody is locked: for so many minutes, or as long as the value is there."""
    minutes = timedelta(minutes=_minutes(argument)) if argument else None

    def test(values: Values, now: datetime) -> Verdict:
        if any(value.strip() == _FOR_GOOD.encode() for value in values):
            return Verdict(LOCKED)
        moments = [moment for value in values if (moment := _any_moment(value)) is not None]
        if not moments or minutes is None:
            return Verdict(LOCKED if moments else "")
        end = max(moments) + minutes
        return Verdict(LOCKED, end) if now < end else Verdict()

    return test


def _until(argument: str) -> Test:
    """Make a test of how long somebody is locked."""
    _demand_none(argument)

    def test(values: Values, now: datetime) -> Verdict:
        moments = [moment_of(value) for value in values]
        # 389 Directory Server writes this of somebody whom time does not unlock.
        if _EPOCH_1970 in moments:
            return Verdict(LOCKED)
        end = max(moments, default=now)
        return Verdict(LOCKED, end) if now < end else Verdict()

    return test


def _any_moment(value: bytes) -> datetime | None:
    return filetime(value) if value.strip().isdigit() else moment_of(value)


def _days(value: bytes) -> datetime | None:
    days = _number(value)
    # shadow(5) leaves 0 open, and it is what tools write to lock an account.
    return None if days < 0 else _EPOCH_1970 + timedelta(days=days)


def _number(value: bytes) -> int:
    try:
        return int(value)
    except ValueError:
        raise ValueError("not a number") from None


def _minutes(argument: str) -> int:
    if not argument.isdecimal() or int(argument) == 0:
        raise ValueError("needs minutes, or nothing: locked:30")
    return int(argument)


def _words(argument: str) -> frozenset[str]:
    words = frozenset(word.strip().lower() for word in argument.split("|"))
    if not all(words):
        raise ValueError("needs a value, or several: is:TRUE, is:left|retired")
    return words


def _folded(values: Values) -> list[str]:
    return [value.decode().strip().lower() for value in values]


def _demand_none(argument: str) -> None:
    if argument:
        raise ValueError("takes nothing after it")


def _why(error: Exception) -> str:
    if isinstance(error, UnicodeDecodeError):
        return "not UTF-8"
    return "not a moment of any calendar" if isinstance(error, OverflowError) else str(error)


_MOMENTS: Final[Mapping[str, Callable[[bytes], datetime | None]]] = {
    "": moment_of,
    "filetime": filetime,
    "days": _days,
}
_TESTS: Final[Mapping[str, Argument]] = {
    "bit": _bit,
    "is": _is,
    "not": _not,
    "present": _present,
    "absent": _absent,
    "expires": _expires,
    "locked": _locked,
    "until": _until,
}
