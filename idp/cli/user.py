"""`idp user`: accounts, looked at and changed by whoever operates the machine."""

import sys
from typing import Annotated

import typer

from idp.cli.output import Json
from idp.cli.run import with_services

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Accounts.")

Who = Annotated[str, typer.Argument(metavar="USER", help="User name, mail address or id.", show_default=False)]
PasswordStdin = Annotated[bool, typer.Option("--password-stdin", help="Read the password from standard input.")]


@app.command("create")
def create(  # noqa: PLR0913 - each option of the command is a parameter
    context: typer.Context,
    username: Annotated[str, typer.Argument(show_default=False)],
    email: Annotated[str, typer.Option(help="Mail address.", show_default=False)],
    name: Annotated[str | None, typer.Option(help="Name to show.", show_default=False)] = None,
    role: Annotated[str, typer.Option(help="user, developer, admin or root.")] = "user",
    password_stdin: PasswordStdin = False,
    no_mfa: Annotated[bool, typer.Option("--no-mfa", help="Ask no second factor of this account.")] = False,
    json: Json = False,
) -> None:
    """Make an account.

    Without --password-stdin a link to set the first password goes out by mail.
    """
    from idp.cli import user_actions as actions

    new = actions.NewUser(
        username, email, name, role, _password() if password_stdin else None, "off" if no_mfa else None
    )
    with_services(context, lambda services: actions.create(services, new, json=json))


@app.command("list")
def list_users(
    context: typer.Context,
    search: Annotated[str, typer.Argument(help="Part of a user name, name or address.", show_default=False)] = "",
    inactive: Annotated[bool, typer.Option("--inactive", help="Only accounts that may not log in.")] = False,
    json: Json = False,
) -> None:
    """List accounts."""
    from idp.cli import user_actions as actions

    with_services(context, lambda services: actions.show_list(services, search, inactive=inactive, json=json))


@app.command("show")
def show(context: typer.Context, user: Who, json: Json = False) -> None:
    """Show an account.

    With its groups and second factors, and why it is inactive if it is.
    """
    from idp.cli import user_actions as actions

    with_services(context, lambda services: actions.show(services, user, json=json))


@app.command("disable")
def disable(
    context: typer.Context,
    user: Who,
    reason: Annotated[str, typer.Option(help="Why; shown wherever the account is.")] = "disabled by an operator",
    json: Json = False,
) -> None:
    """Keep a person from logging in.

    Sessions end at once.
    """
    from idp.cli import user_actions as actions

    with_services(context, lambda services: actions.set_active(services, user, False, reason, json=json))


@app.command("enable")
def enable(
    context: typer.Context,
    user: Who,
    reason: Annotated[str, typer.Option(help="Why; shown wherever the account is.")] = "enabled by an operator",
    json: Json = False,
) -> None:
    """Let a disabled person log in again."""
    from idp.cli import user_actions as actions

    with_services(context, lambda services: actions.set_active(services, user, True, reason, json=json))


@app.command("delete")
def delete(
    context: typer.Context,
    user: Who,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    json: Json = False,
) -> None:
    """Delete an account.

    With its memberships, second factors and sessions.
    """
    from idp.cli import user_actions as actions

    if not yes and not json and sys.stdin.isatty():
        typer.confirm(f"Delete {user} for good?", abort=True)
    with_services(context, lambda services: actions.delete(services, user, json=json))


@app.command("set-role")
def set_role(
    context: typer.Context,
    user: Who,
    role: Annotated[str, typer.Argument(help="user, developer, admin or root.", show_default=False)],
    json: Json = False,
) -> None:
    """Give a person another role."""
    from idp.cli import user_actions as actions

    with_services(context, lambda services: actions.set_role(services, user, role, json=json))


@app.command("set-mfa")
def set_mfa(
    context: typer.Context,
    user: Who,
    policy: Annotated[str, typer.Argument(help="off, optional or required.", show_default=False)],
    json: Json = False,
) -> None:
    """Say whether a person needs a second factor.

    Whatever login.mfa says for everybody else.
    """
    from idp.cli import user_actions as actions

    with_services(context, lambda services: actions.set_mfa(services, user, policy, json=json))


@app.command("reset-mfa")
def reset_mfa(context: typer.Context, user: Who, json: Json = False) -> None:
    """Remove a person's second factors.

    They set up new ones at the next login.
    """
    from idp.cli import user_actions as actions

    with_services(context, lambda services: actions.reset_mfa(services, user, json=json))


@app.command("reset-password")
def reset_password(
    context: typer.Context, user: Who, password_stdin: PasswordStdin = False, json: Json = False
) -> None:
    """Mail a link to set a new password.

    With --password-stdin, set one that has to be changed at the next login.
    """
    from idp.cli import user_actions as actions

    password = _password() if password_stdin else None
    with_services(context, lambda services: actions.reset_password(services, user, password, json=json))


@app.command("enroll-totp")
def enroll_totp(context: typer.Context, user: Who, json: Json = False) -> None:
    """Set up an authenticator for somebody.

    Prints its secret and the recovery codes, this once.
    """
    from idp.cli import user_actions as actions

    with_services(context, lambda services: actions.enroll_totp(services, user, json=json))


def _password() -> str:
    """Return the first line of standard input."""
    password = sys.stdin.readline().rstrip("\r\n")
    if not password:
        raise typer.BadParameter("no password on standard input", param_hint="--password-stdin")
    return password
