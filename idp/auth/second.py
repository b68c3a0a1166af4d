"""The second factor: who needs one, which they have, and how a code becomes a step forward."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from idp.access import ANONYMOUS
from idp.audit import Tag
from idp.auth.context import Context
from idp.auth.factors import Challenge, Factor
from idp.auth.flow import Step, after_password
from idp.auth.limits import Kind, Limits
from idp.auth.people import mfa_policy
from idp.auth.sealing import SealBroken
from idp.directory import Resource
from idp.directory.locks import retrying
from idp.errors import CallerError
from idp.store.contract import Write

WRONG_CODE: Final = "The code is not right, or has been used already."


class Unreadable(CallerError):
    """A factor's secret cannot be opened: the key that it is encrypted under is not here."""

    def __init__(self) -> None:
        super().__init__("this second factor cannot be checked at present; please ask an administrator")


@dataclass(frozen=True, slots=True)
class FactorPolicy:
    """Whether a second factor is asked of people whose account does not say, and which kinds may be used."""

    mfa: str = "required"
    kinds: frozenset[str] = frozenset({Kind.TOTP, Kind.EMAIL_CODE})


class SecondFactors:
    """Knows each kind by its contract alone; `factors` are in the order in which they are offered."""

    def __init__(self, context: Context, factors: Sequence[Factor], limits: Limits, policy: FactorPolicy) -> None:
        self._context = context
        self._factors: Mapping[str, Factor] = {factor.kind: factor for factor in factors}
        self._limits = limits
        self._policy = policy

    @property
    def can_enrol(self) -> bool:
        """Whether people may set up an authenticator app."""
        return Kind.TOTP in self._policy.kinds

    def policy_of(self, user: Resource) -> str:
        """Return "off", "optional" or "required"."""
        return mfa_policy(user, self._policy.mfa)

    async def available(self, user: Resource) -> tuple[str, ...]:
        """Return the kinds that a person can use now.

        Who has set up an app keeps it, and its recovery codes, also when the settings no longer offer it to others.
        """
        found = [str(kind) for kind, factor in self._factors.items() if await factor.is_available(user)]
        own = (Kind.TOTP, Kind.RECOVERY) if Kind.TOTP in found else ()
        return tuple(kind for kind in found if kind in own or kind in self._policy.kinds)

    async def after_password(self, user: Resource, *, must_change: bool) -> tuple[Step | None, str]:
        """Return the step after a right password (None: there is no way on) and the factor to begin with."""
        kinds = await self.available(user)
        step = after_password(
            self.policy_of(user),
            enrolled=Kind.TOTP in kinds,
            can_enrol=self.can_enrol,
            has_other=bool(kinds),
            must_change=must_change,
        )
        return step, kinds[0] if step is Step.SECOND_FACTOR else ""

    async def begin(self, user: Resource, kind: str, challenge: Challenge) -> Sequence[Write]:
        """Return the writes that get a factor ready. Raises RateLimited."""
        return await self._factors[kind].begin(user, challenge)

    async def prove(
        self,
        user: Resource,
        kind: str,
        challenge: Challenge,
        code: str,
        then: Callable[[], Awaitable[Sequence[Write]]],
    ) -> bool:
        """Try a code; if it is right, use it up in one commit with the writes that `then` returns.

        `then` runs again after a lost race. Raises RateLimited, Unreadable, and what `then` raises.
        """
        factor = self._factors[kind]

        async def attempt() -> bool:
            following = await then()
            try:
                proof = await factor.verify(user, challenge, code)
            except SealBroken:
                raise Unreadable from None
            if proof is None:
                return False
            await self._context.commit([*proof.writes, *following])
            return True

        try:
            async with self._limits.attempt(factor.kind, user.id, challenge.address) as guess:
                is_right = await retrying(attempt)
                if is_right:
                    guess.right()
        except Unreadable:
            await self._failed(user, challenge, {"factor": kind, "reason": "its key is missing"})
            raise
        if not is_right:
            await self._failed(user, challenge, {"factor": kind})
        return is_right

    async def _failed(self, user: Resource, challenge: Challenge, details: Mapping[str, str]) -> None:
        actor = ANONYMOUS(challenge.address)
        await self._context.store.commit([self._context.event(Tag.AUTH_FACTOR_FAILED, actor, user.id, details)])
