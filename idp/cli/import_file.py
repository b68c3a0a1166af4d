"""`idp import`: users and groups from a CSV, JSON or LDIF file."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from idp.cli.output import Json, print_json, print_note, printable, styled
from idp.cli.run import operator, with_services

if TYPE_CHECKING:
    from idp.app.services import Services
    from idp.cli.importing.plan import Change, Plan
    from idp.cli.importing.rows import Rows, Wrong
    from idp.schema import Registry

FAILED = 1
FORMATS = ("csv", "json", "ldif")


def import_file(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="Its ending tells the format: .csv, .json (or .ndjson), .ldif.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would change, and change nothing.")] = False,
    skip_wrong: Annotated[
        bool, typer.Option("--skip-wrong", help="Import the good rows even if others are wrong.")
    ] = False,
    json: Json = False,
) -> None:
    """Import users and groups from a file.

    One that is there already, by externalId or user name, is brought up to date. If any row is wrong nothing is
    changed, unless --skip-wrong is given; the exit status is then 1.
    """

    async def work(services: "Services") -> "tuple[Plan, bool]":
        from idp.app.foundation import new_id
        from idp.cli.importing.apply import apply
        from idp.cli.importing.plan import Planner

        registry = services.base.registry
        planner = Planner(services.users, services.groups, operator(), new_id, registry)
        plan = await planner.plan(_read(file, registry))
        if dry_run or (plan.wrong and not skip_wrong):
            return plan, False
        return await apply(plan, services.users, services.groups, operator()), True

    result, changed = with_services(context, work)
    if json:
        print_json(_as_json(result, changed=changed))
    else:
        _print(file, result, changed=changed)
    if result.wrong:
        raise typer.Exit(FAILED)


def _read(file: Path, registry: "Registry") -> "Rows":
    from idp.cli.importing import csv_file, json_file, ldif_file

    match file.suffix.lower():
        case ".csv" | ".tsv":
            return csv_file.read(file, registry)
        case ".json" | ".ndjson" | ".jsonl":
            return json_file.read(file, registry)
        case ".ldif":
            return ldif_file.read(file, registry)
        case _:
            raise typer.BadParameter(f"{file}: the ending must be one of {', '.join(FORMATS)}", param_hint="FILE")


def _print(file: Path, plan: "Plan", *, changed: bool) -> None:
    for change in (*plan.users, *plan.groups):
        print(_line(change))
    for wrong in plan.wrong:
        print_note(f"{styled('wrong', 'bad')}  {file}, line {wrong.line}: {printable(wrong.reason)}")
    created = sum(change.before is None for change in (*plan.users, *plan.groups))
    updated = len(plan.users) + len(plan.groups) - created
    done = "" if changed else "Nothing was changed. "
    print_note(f"{done}{created} new, {updated} changed, {plan.unchanged} as before, {len(plan.wrong)} wrong.")


def _line(change: "Change") -> str:
    action = styled("new    ", "good") if change.before is None else styled("changed", "warn")
    details = list(change.fields) if change.before is not None else []
    if change.add:
        details.append(f"{len(change.add)} members")
    return f"{action}  {change.row.kind:5}  {printable(change.row.name)}  {styled(', '.join(details), 'dim')}".rstrip()


def _as_json(plan: "Plan", *, changed: bool) -> dict[str, Any]:
    return {
        "changed": changed,
        "changes": [_change_as_json(change) for change in (*plan.users, *plan.groups)],
        "unchanged": plan.unchanged,
        "wrong": [_wrong_as_json(wrong) for wrong in plan.wrong],
    }


def _change_as_json(change: "Change") -> dict[str, Any]:
    return {
        "line": change.row.line,
        "type": change.row.kind,
        "name": change.row.name,
        "id": change.id,
        "action": "create" if change.before is None else "update",
        "fields": list(change.fields),
        "addedMembers": len(change.add),
    }


def _wrong_as_json(wrong: "Wrong") -> dict[str, Any]:
    return {"line": wrong.line, "reason": wrong.reason}
