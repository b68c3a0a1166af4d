"""`idp ldap explain`: why a person is as she is."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from idp.cli.output import Json, print_fields, print_json, print_table
from idp.cli.run import operator, with_services

if TYPE_CHECKING:
    from ldap_bridge.explain import Explanation


def explain(
    context: typer.Context,
    source: Annotated[str, typer.Argument(help="NAME of a section [ldap.NAME] of the settings.", show_default=False)],
    who: Annotated[str, typer.Argument(help="Login, mail address, DN, stable id or account id.", show_default=False)],
    json: Json = False,
) -> None:
    """Show why a person is as she is.

    Her entry, what each line of the mapping makes of it, and which run, or who, set each value of the account.
    """
    told = with_services(context, lambda services: services.ldap.explainer.explain(operator(), source, who))
    if json:
        print_json(asdict(told))
        return
    print_fields(_about(told))
    if told.entry:
        print("\nThe entry:")
        print_fields(told.entry)
        print("\nWhat the mapping makes of it:")
        rows = [
            {"line": rule.path, "reads": _read(rule.reads), "by": rule.how, "makes": _made(rule)} for rule in told.rules
        ]
        print_table(rows, ["line", "reads", "by", "makes"], "Nothing.")
    if told.values:
        print("\nThe account:")
        rows = [
            {**asdict(value), "value": str(value.value), "set by": value.set_by, "at": value.set_at}
            for value in told.values
        ]
        print_table(rows, ["attribute", "value", "owner", "set by", "at"], "Nothing.")


def _about(told: "Explanation") -> dict[str, Any]:
    there = "not there" if not told.dn else told.dn
    said = {None: "says nothing", True: "enabled", False: f"disabled: {told.reason_there}"}[told.enabled_there]
    status = told.status
    why = f"{status.get('reason', '')}, by {status.get('by', '')}, {status.get('since', '')}" if status else ""
    account = {
        "account": f"{told.user_name} ({told.account}), of {told.origin}",
        "active": f"{'yes' if told.active else 'no'}{f' ({why})' if why else ''}",
        "linked with": f"{told.link_dn}{f', gone since {told.gone}' if told.gone else ''}" if told.link_dn else "",
        "groups": told.groups,
        "differs in": told.differs,
    }
    conflict = told.conflict
    return {
        "entry": there,
        "stable id": told.stable,
        **({"state there": said} if told.dn else {}),
        **({"not mapped": told.problems} if told.problems else {}),
        **(account if told.account else {"account": "none"}),
        **({"conflict": f"{conflict.id}: {conflict.reason} {conflict.choice}".rstrip()} if conflict else {}),
    }


def _read(reads: Any) -> str:
    return ", ".join(f"{name}: {' | '.join(values)}" for name, values in reads.items())


def _made(rule: Any) -> str:
    return rule.problem or ("" if rule.makes is None else str(rule.makes))
