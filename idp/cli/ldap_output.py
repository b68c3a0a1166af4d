"""What `idp ldap` prints."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from idp.cli.output import print_fields, print_json, print_note, print_table, printable, styled
from idp.words import counted
from ldap_bridge.lines import Logged
from ldap_bridge.report import PlanReport
from ldap_bridge.runs import Run, State
from ldap_bridge.trial import Trial

_COLOURS: Final = {
    **dict.fromkeys(("create", "enable"), "good"),
    **dict.fromkeys(("disable", "remove", "purge", "conflict"), "bad"),
}
_SHOWN: Final = 60
"""Characters of a value that are shown to people; JSON has all of it."""
_NAMED: Final = 100
"""Members of a group that are named at once."""


def show_test(result: Trial, *, json: bool) -> None:
    """Print what a source answers."""
    if json:
        print_json(_plain(result))
        return
    print_fields(
        {
            "directory": f"{result.source} at {result.where}",
            **{name.replace("_", " "): value for name, value in result.server.items()},
            "people": result.people,
            "groups": result.groups,
            "complete": result.complete,
            "followed by": f"{result.feed}: {result.why}",
        }
    )
    _show_problems(result.gaps, result.problems)
    for uri in result.elsewhere:
        print_note(f"{styled('not followed:', 'warn')} a reference to {printable(uri)}")
    if result.example:
        print("\nThe first entry would become:")
        print_json(result.example)


def show_plan(plan: PlanReport, *, json: bool) -> None:
    """Print what a run would do."""
    if json:
        print_json(_plain(plan))
        return
    for change in plan.changes:
        _print_change(change)
    _show_problems(plan.gaps, plan.problems)
    print_note(_approach(plan))
    print_note(f"{_read(plan)} read from {plan.where}: {_counted(plan.counts)}.")
    if plan.held:
        print_note(styled(f"A run would be held: {printable(plan.held)}.", "warn"))
    print_note(f"Kept as run {plan.run}; if it is right, `idp ldap apply {plan.run}` does this and nothing else.")


def show_run(run: Run, changes: Sequence[Logged], *, json: bool, with_changes: bool) -> None:
    """Print how a run ended and what it did."""
    if json:
        print_json(_plain(run) | ({"changes": _plain(changes)} if with_changes else {}))
        return
    for change in changes:
        _print_change(change)
    _show_problems(run.gaps, run.problems)
    if run.logged > len(changes):
        print_note(f"{counted(run.logged, 'change')}; `idp ldap show {run.id}` lists them all.")
    print_note(_approach(run))
    print_note(f"{_read(run)} read: {_counted(run.counts)}.")
    if run.counts.get("conflict"):
        print_note(f"Conflicts wait for a decision: `idp ldap conflicts {run.source}`.")
    if run.errors:
        print_note(styled(f"{counted(run.errors, 'change')} could not be made, named above with the reason.", "bad"))
    if run.state == State.HELD:
        print_note(styled(f"Nothing was changed: {printable(run.reason)}.", "warn"))
        print_note(how_to_decide(run.id))
    elif run.state == State.REJECTED:
        print_note(styled(f"Nothing was changed: {run.decided_by} has rejected this plan ({run.reason}).", "warn"))
    elif run.state == State.INCOMPLETE:
        print_note(styled("The read was not complete, so nobody was disabled or removed.", "warn"))


def how_to_decide(run: str) -> str:
    """Return what can be done about a held run."""
    choices = {"show": "look at it", "approve": "do it and nothing else", "reject": "do not, nor ask again"}
    commands = {f"idp ldap {choice} {run}": what for choice, what in choices.items()}
    longest = max(map(len, commands))
    return "\n".join(f"  {command:{longest}}  {what}" for command, what in commands.items())


def show_runs(runs: Sequence[Run], *, json: bool) -> None:
    """Print past runs."""
    if json:
        print_json(_plain(runs))
        return
    rows = [_plain(run) | {"feed": _feed(run), "changes": _changes(run)} for run in runs]
    print_table(rows, ["id", "source", "started", "state", "by", "feed", "changes", "errors", "reason"], "No runs.")


def _changes(run: Run) -> str:
    """Say what a run has done, or was to do; of one that ended before it had a plan nothing is known."""
    return _counted(run.counts) if run.counts or run.finished else "not known"


def _feed(run: Run) -> str:
    return "everything" if run.whole else run.feed


def show_one_run(run: Run) -> None:
    """Print what there is to say of a run besides its changes, which come after it."""
    print_fields(
        {
            "run": f"{run.id} of {run.source}, by {run.by}",
            "time": f"{run.started} to {_end(run)}",
            "state": f"{run.state}: {run.reason}" if run.reason else run.state,
            "looked at": f"{_feed(run)}: {run.why}" if run.why else "nothing yet",
            "read": _read(run),
            "changes": _changes(run),
            "errors": str(run.errors),
            **_decision(run),
        }
    )
    _show_problems(run.gaps, run.problems)
    if run.state == State.HELD:
        print_note(how_to_decide(run.id))


def _end(run: Run) -> str:
    return run.finished or ("now" if run.state == State.RUNNING else "nobody knows when")


def _decision(run: Run) -> dict[str, str]:
    said = {"carries out": f"the plan of run {run.plan}"} if run.plan else {}
    if run.confirmed:
        said["still so"] = run.confirmed
    if run.decided:
        after = f", see run {run.next}" if run.next else ""
        said["decided"] = f"{run.decided}, {run.state} by {run.decided_by}{after}"
    return said


def show_changes(changes: Sequence[Logged]) -> None:
    """Print changes by name and field."""
    for change in changes:
        _print_change(change)


def show_as_json(run: Run, changes: Sequence[Logged]) -> None:
    """Print a run and its changes for programs."""
    print_json(_plain(run) | {"changes": _plain(changes)})


def _print_change(change: Logged) -> None:
    kind = styled(f"{change.kind:8}", _COLOURS.get(change.kind, "warn"))
    reason = styled(f"  {printable(change.reason)}", "dim") if change.reason else ""
    print(f"{kind}  {change.subject:5}  {printable(change.name)}{reason}")
    if change.old_dn:
        print(f"            {printable(change.old_dn)} -> {printable(change.dn)}")
    if change.kind != "create":
        for field in change.fields:
            print(f"            {field['path']}: {_value(field['old'])} -> {_value(field['new'])}")
    for sign, names in (("+", change.added), ("-", change.removed)):
        if names:
            for name in names[:_NAMED]:
                print(f"            {sign} {printable(name)}")
            if len(names) > _NAMED:
                print(f"            {sign} and {len(names) - _NAMED} more")
    if change.error:
        print(f"            {styled(printable(change.error), 'bad')}")


def _show_problems(gaps: Sequence[str], problems: Sequence[Mapping[str, Any]]) -> None:
    for gap in gaps:
        print_note(styled(f"incomplete: {printable(gap)}", "warn"))
    for problem in problems:
        print_note(f"{styled('problem:', 'warn')} {printable(problem['dn'])}: {printable(problem['reason'])}")


def _read(about: Run | PlanReport) -> str:
    return f"{counted(about.people, 'person', 'people')} and {counted(about.groups, 'group')}"


def _counted(counts: Mapping[str, int]) -> str:
    found = [_count(name, count) for name, count in counts.items() if count]
    return ", ".join(found) or "no changes"


def _count(name: str, count: int) -> str:
    if name == "conflict":
        return counted(count, name)
    noun, _, what = name.partition("_")
    return f"{counted(count, 'member')} {what}" if noun == "members" else f"{count} {name}"


def _approach(about: Run | PlanReport) -> str:
    """Say whether everything was looked at or what changed, and why."""
    if about.whole:
        return f"Looked at everything: {printable(about.why)}."
    return f"Looked at what has changed, by {about.feed}: {printable(about.why)}."


def _value(value: Any) -> str:
    if value is None:
        return "-"
    text = printable(value if isinstance(value, str) else msgspec.json.encode(value).decode())
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"


def _plain(value: Any) -> Any:
    return msgspec.to_builtins(value)
