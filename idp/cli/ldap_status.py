"""`idp ldap status`: how the directories stand."""

from dataclasses import asdict
from typing import Any

import typer

from idp.cli.output import Json, print_json, print_table
from idp.cli.run import operator, with_services


def status(context: typer.Context, json: Json = False) -> None:
    """Show how each directory stands.

    The exit status is 1 if one of them failed, was not read whole, or waits for a decision.
    """
    found = with_services(context, lambda services: services.ldap.standings(operator()))
    rows: list[dict[str, Any]] = [{"source": one.id, **asdict(one)} for one in found]
    for row in rows:
        for name in ("id", "version", "mark"):
            row.pop(name)
    if json:
        print_json(rows)
    else:
        columns = ["source", "health", "since", "success", "people", "groups", "errors", "conflicts", "held", "reason"]
        print_table(rows, columns, "No directories.")
    if any(one.health in ("failed", "incomplete", "held") for one in found):
        raise typer.Exit(1)
