"""The login: a stored flow taken step by step; every method says where it stands then."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from idp.access import ANONYMOUS
from idp.audit import Tag
from idp.auth.context import Context, unchanged
from idp.auth.credentials import Outdated, UserCredentials
from idp.auth.enroller import Enroller
from idp.auth.entry import Entered, PasswordEntry, Refused
from idp.auth.factors import Challenge
from idp.auth.flow import FlowGone, IllegalMove, Step, after_factor, return_path
from idp.auth.flows import Flow, Flows
from idp.auth.limits import Kind
from idp.auth.people import actor_of, is_active, mail_of, masked
from idp.auth.second import WRONG_CODE, SecondFactors, Unreadable
from idp.auth.secret_text import csrf_of
from idp.auth.sessions import Opened, Session, Sessions
from idp.auth.views import FlowView
from idp.directory import Resource
from idp.directory.locks import retrying
from idp.errors import InvalidValue, RateLimited, VersionMismatch
from idp.mail import messages
from idp.store.contract import Write

NO_FACTOR: Final = "Your account needs a second factor, and none can be set up here. Please ask your administrator."


class Login:
    """Takes a person from nothing to a session.

    Each method takes the flow's secret from the cookie `idp_flow`. All raise FlowGone when there is no such login,
    IllegalMove when it stands elsewhere, RateLimited after too many wrong answers, Overloaded and Unavailable.
    A wrong answer is no exception: the view comes back at the same step with `error` set.
    """

    def __init__(
        self,
        context: Context,
        flows: Flows,
        entry: PasswordEntry,
        second: SecondFactors,
        enroller: Enroller,
        credentials: UserCredentials,
        sessions: Sessions,
    ) -> None:
        self._context = context
        self._flows = flows
        self._entry = entry
        self._second = second
        self._enroller = enroller
        self._credentials = credentials
        self._sessions = sessions

    async def begin(self, next: str, address: str) -> tuple[FlowView, str]:
        """Start a login that will lead to the path `next`; returns the view and the flow's secret."""
        flow, secret = await self._flows.start(return_path(next), address)
        return await self._view(secret, flow), secret

    async def view(self, flow_secret: str) -> FlowView | None:
        """Return where the login stands, None when there is none."""
        flow = await self._flows.get(flow_secret)
        try:
            if flow and flow.user:
                await self._person(flow)
            return await self._view(flow_secret, flow) if flow else None
        except FlowGone:
            return None

    async def password(self, flow_secret: str, username: str, password: str, address: str) -> FlowView:
        """Try a name and a password; the error is one sentence for unknown, wrong and inactive."""
        flow = await self._at(flow_secret, Step.PASSWORD, wanted="a password")
        answer = await self._entry.enter(username, password, address)
        if isinstance(answer, Refused):
            return await self._view(flow_secret, flow, answer.sentence)
        return await self._entered(flow_secret, replace(flow, address=address), answer)

    async def choose(self, flow_secret: str, factor: str) -> FlowView:
        """Choose a second factor of those the view offers, and begin it: a mailed code is sent (again).

        Too many mails are no exception here: the view's error says how long to wait.
        """
        flow = await self._at(flow_secret, Step.SECOND_FACTOR, Step.ENROL, wanted="a choice")
        user = await self._person(flow)
        if factor not in await self._second.available(user):
            raise IllegalMove(flow.step, f"the factor {factor[:20]!r}")
        try:
            begun = await self._second.begin(user, factor, Challenge(flow.id, flow.address))
        except RateLimited as error:
            return await self._view(flow_secret, flow, _sentence(error))
        chosen = flow.moved(Step.SECOND_FACTOR) if flow.step is Step.ENROL else flow
        return await self._advance(flow_secret, replace(chosen, factor=factor, enrolment=""), begun)

    async def factor(self, flow_secret: str, code: str, address: str) -> FlowView:
        """Try a code of the chosen factor."""
        flow = await self._at(flow_secret, Step.SECOND_FACTOR, wanted="a code")
        user, kind = await self._person(flow), flow.factor
        if not kind:
            raise IllegalMove(flow.step, "a code of no factor")

        async def moved_on() -> Sequence[Write]:
            now = await self._at(flow_secret, Step.SECOND_FACTOR, wanted="a code")
            return [self._proven(now, kind).put(), *await self._unchanged_password(now)]

        try:
            is_right = await self._second.prove(user, kind, Challenge(flow.id, address), code, moved_on)
        except Unreadable as error:
            return await self._view(flow_secret, flow, _sentence(error))
        if not is_right:
            return await self._view(flow_secret, flow, WRONG_CODE)
        return await self._view(flow_secret, await self._flows.demand(flow_secret))

    async def enrol_confirm(self, flow_secret: str, code: str, address: str) -> tuple[FlowView, tuple[str, ...]]:
        """Confirm the pending secret with its first code; returns the recovery codes, to be shown this once."""
        flow = await self._at(flow_secret, Step.ENROL, wanted="a confirmation")
        user = await self._person(flow)
        # Whoever set an app up meanwhile is protected by it: a password alone must not replace it.
        confirmed = await self._enroller.confirm(actor_of(user, address), user, flow.enrolment, code, anew=False)
        if confirmed is None:
            return await self._view(flow_secret, flow, WRONG_CODE), ()
        codes, writes = confirmed
        proven = {**flow.proven, Kind.TOTP.value: self._context.now}
        moved = flow.moved(Step.RECOVERY_CODES, proven=proven, enrolment="")
        held = await self._unchanged_password(flow)
        return await self._advance(flow_secret, moved, [*writes, *held]), codes

    async def codes_seen(self, flow_secret: str) -> FlowView:
        """Go on from the page with the recovery codes."""
        flow = await self._at(flow_secret, Step.RECOVERY_CODES, wanted="going on")
        return await self._advance(flow_secret, flow.moved(after_factor(must_change=flow.must_change)))

    async def new_password(self, flow_secret: str, password: str, address: str) -> FlowView:
        """Set the new password that is asked for; the error names the rule that it breaks."""
        flow = await self._at(flow_secret, Step.NEW_PASSWORD, wanted="a new password")
        user = await self._person(flow)
        try:
            changed = await self._credentials.changed(user, password, flow.generation)
        except InvalidValue as error:
            return await self._view(flow_secret, flow, error.reason)
        except Outdated:
            raise FlowGone from None
        happened = self._context.event(Tag.AUTH_PASSWORD_CHANGED, actor_of(user, address), user.id)
        letter = self._context.letter(user, messages.password_changed)
        ended = [self._sessions.ended(user.id), *self._credentials.links_ended(user.id)]
        moved = flow.moved(Step.DONE, generation=flow.generation + 1)
        return await self._advance(flow_secret, moved, [*changed, *ended, happened, *letter])

    async def finish(self, flow_secret: str, address: str, agent: str) -> tuple[Session, str]:
        """Turn a login that is DONE into a session, once; returns it and the secret for the cookie `idp_session`."""

        async def attempt() -> Opened:
            flow = await self._at(flow_secret, Step.DONE, wanted="a session")
            user = await self._person(flow)
            opened = self._sessions.open(user, flow.proven, address, agent)
            details = {"methods": list(flow.proven)}
            happened = self._context.event(Tag.AUTH_LOGIN_SUCCEEDED, actor_of(user, address), user.id, details)
            held = await self._unchanged_password(flow)
            await self._context.commit([flow.taken(), unchanged(user), *held, opened.write, happened])
            return opened

        opened = await retrying(attempt)
        return opened.session, opened.secret

    async def _entered(self, secret: str, flow: Flow, entered: Entered) -> FlowView:
        user = entered.user
        step, kind = await self._second.after_password(user, must_change=entered.must_change)
        if step is None:
            refused = self._context.event(
                Tag.AUTH_LOGIN_FAILED, ANONYMOUS(flow.address), user.id, {"reason": "no second factor possible"}
            )
            await self._context.commit([refused])
            return await self._view(secret, flow, NO_FACTOR)
        error: str | None = None
        begun: Sequence[Write] = ()
        if kind:
            try:
                begun = await self._second.begin(user, kind, Challenge(flow.id, flow.address))
            except RateLimited as refusal:
                kind, error = "", _sentence(refusal)
        moved = flow.moved(
            step,
            user=user.id,
            must_change=entered.must_change,
            generation=entered.generation,
            notice=entered.notice,
            factor=kind,
            proven={"pwd": self._context.now},
            enrolment=self._enroller.new_secret(user.id) if step is Step.ENROL else "",
        )
        return await self._advance(secret, moved, begun, error)

    def _proven(self, flow: Flow, kind: str) -> Flow:
        proven = {**flow.proven, kind: self._context.now}
        return flow.moved(after_factor(must_change=flow.must_change), proven=proven)

    async def _advance(
        self, secret: str, flow: Flow, writes: Sequence[Write] = (), error: str | None = None
    ) -> FlowView:
        try:
            await self._context.commit([flow.put(), *writes])
        except VersionMismatch:
            raise IllegalMove(flow.step, "a second answer at the same time") from None
        return await self._view(secret, flow.next_version(), error)

    async def _at(self, secret: str, *steps: Step, wanted: str) -> Flow:
        flow = await self._flows.demand(secret)
        if flow.step not in steps:
            raise IllegalMove(flow.step, wanted)
        return flow

    async def _person(self, flow: Flow) -> Resource:
        """Return whose login it is; an account switched off meanwhile ends it, and so does a new password."""
        user = await self._context.user(flow.user)
        if user is None or not is_active(user):
            raise FlowGone
        await self._unchanged_password(flow)
        return user

    async def _unchanged_password(self, flow: Flow) -> Sequence[Write]:
        try:
            return await self._credentials.holding(flow.user, flow.generation)
        except Outdated:
            raise FlowGone from None

    async def _view(self, secret: str, flow: Flow, error: str | None = None) -> FlowView:
        view = FlowView(flow.step, flow.next, csrf_of(secret), notice=flow.notice, error=error)
        if flow.step is Step.NEW_PASSWORD:
            return replace(view, rules=self._credentials.rules)
        if flow.step not in (Step.SECOND_FACTOR, Step.ENROL):
            return view
        user = await self._person(flow)
        factors, mail = await self._second.available(user), mail_of(user)
        enrolment = await self._enroller.pending(user, flow.enrolment) if flow.step is Step.ENROL else None
        return replace(
            view,
            factor=flow.factor or None,
            factors=factors,
            enrolment=enrolment,
            address_hint=masked(mail) if mail and Kind.EMAIL_CODE in factors else None,
        )


def _sentence(error: Exception) -> str:
    text = str(error)
    return f"{text[:1].upper()}{text[1:]}."
