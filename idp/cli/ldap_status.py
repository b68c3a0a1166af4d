"""`idp ldap status`: how the directories stand."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import typer

from idp.cli.output import Json, print_json, print_note, print_table, printable, styled
from idp.cli.run import operator, with_services
from idp.words import counted

if TYPE_CHECKING:
    from ldap_bridge.health import Standing

_COLUMNS = ["source", "health", "since", "success", "people", "groups", "errors", "conflicts", "problems", "held"]


def status(context: typer.Context, json: Json = False) -> None:
    """Show how each directory stands.

    With the problems of the last run, by name. The exit status is 1 if one of them failed, was not read whole, or
    waits for a decision.
    """
    found = with_services(context, lambda services: services.ldap.standings(operator()))
    rows: list[dict[str, Any]] = [{"source": one.id, **asdict(one)} for one in found]
    for row in rows:
        for name in ("id", "version", "mark"):
            row.pop(name)
    if json:
        print_json(rows)
    else:
        print_table(rows, _COLUMNS, "No directories.")
        for one in found:
            _explain(one)
    if any(one.health in ("failed", "incomplete", "held") for one in found):
        raise typer.Exit(1)


def _explain(one: "Standing") -> None:
    """Say of a directory what no column has room for."""
    if one.reason:
        print_note(f"{one.id}: {styled(printable(one.reason), 'warn')}")
    if one.is_waiting:
        from idp.cli.ldap_output import how_to_decide

        print_note(how_to_decide(one.held))
    if one.running:
        print_note(f"{one.id}: run {one.running} is under way.")
    if one.problems:
        print_note(f"{one.id}: {counted(one.problems, 'problem')}, left as before:")
    for problem in one.left:
        print_note(f"  {printable(problem['dn'])}: {printable(problem['reason'])}")
    if one.problems > len(one.left):
        print_note(f"  and {one.problems - len(one.left)} more; `idp ldap show {one.run}` names up to a hundred.")
