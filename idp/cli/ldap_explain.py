"""`idp ldap explain`: why a person is as she is."""

from collections.abc import Mapping
from dataclasses import asdict
from json import dumps
from textwrap import TextWrapper
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from idp.cli.output import Json, print_json, printable
from idp.cli.run import operator, with_services

if TYPE_CHECKING:
    from ldap_bridge.explain import Explanation

_WIDTH: Final = 80
_DEEPER: Final = "    "


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
    _show(_about(told))
    if told.entry:
        print("\nThe entry:")
        _show(told.entry)
        print("\nWhat the mapping makes of it:")
        for rule in told.rules:
            _print(f"{rule.path}: {_made(rule)}")
            if rule.reads:
                _print(f"{_read(rule.reads)}{f' ({rule.how})' if rule.how else ''}", _DEEPER)
    if told.values:
        print("\nThe account:")
        for value in told.values:
            _print(f"{value.attribute}: {_text(value.value)}")
            since = f", set by {value.set_by} at {value.set_at}" if value.set_by else ""
            _print(f"of {value.owner}{since}", _DEEPER)


def _show(fields: Mapping[str, Any]) -> None:
    """Print names and values, each value on lines of its own where one is too short for it."""
    for name, value in fields.items():
        values = list(value) if isinstance(value, list | tuple) else [value]
        if len(values) <= 1:
            _print(f"{name}: {''.join(map(str, values)) or '-'}")
            continue
        _print(f"{name}:")
        for one in values:
            _print(str(one), _DEEPER)


def _print(text: str, indent: str = "") -> None:
    """Print a paragraph within the width of a terminal; only what has no blank in it may be wider."""
    further = indent + _DEEPER
    lines = TextWrapper(
        _WIDTH, initial_indent=indent, subsequent_indent=further, break_long_words=False, break_on_hyphens=False
    )
    print(lines.fill(printable(text)))


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
    return rule.problem or ("-" if rule.makes is None else _text(rule.makes))


def _text(value: Any) -> str:
    return value if isinstance(value, str) else dumps(value, ensure_ascii=False)
