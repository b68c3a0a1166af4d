"""The command `idp`: its parts, the options before them, and what becomes of errors.

Modules of commands import what they need inside of their functions: `idp --help` must not load a web server.
"""

import sys
from typing import Annotated

import typer

from idp.cli import check_config, client, import_file, ldap, mail, serve, token, user
from idp.cli.output import print_error
from idp.cli.run import INTERRUPTED, Settings
from idp.errors import ConfigError, IdpError

FAILED = 1
"""What was asked for could not be done."""
WRONG_USE = 2
"""A wrong option, argument or setting (the status of typer's own usage errors, too)."""


class OurBug(Exception):
    """What nobody has thought of; development mode shows where it happened."""

    def __init__(self, error: Exception) -> None:
        what = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        super().__init__(f"this is an error of ours ({what}); PYTHONDEVMODE=1 shows where")


app = typer.Typer(
    name="idp",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    # Plain text: drawing boxes takes longer to load than everything else that --help needs.
    rich_markup_mode=None,
    help="Gatehouse, an identity provider.",
    epilog="Exit status: 0 done, 1 it could not be done, 2 wrong option or setting. Commands take --json.",
)


def show_version(wanted: bool) -> None:
    """Print the version and end."""
    from importlib.metadata import version

    if wanted:
        print(f"gatehouse {version('gatehouse')}")
        raise typer.Exit


@app.callback()
def settings(
    context: typer.Context,
    config: Annotated[str | None, typer.Option(help="File of settings.", metavar="FILE", show_default=False)] = None,
    data: Annotated[str | None, typer.Option(help="Data directory.", metavar="DIR", show_default=False)] = None,
    store: Annotated[str | None, typer.Option(help="Address of the store.", metavar="URL", show_default=False)] = None,
    _version: Annotated[
        bool, typer.Option("--version", help="Show the version.", callback=show_version, is_eager=True)
    ] = False,
) -> None:
    """Take the settings that every command needs; the environment and the file hold the others."""
    context.obj = Settings(config, {"server.data": data, "store.url": store})


app.command("serve")(serve.serve)
app.command("check-config")(check_config.check_config)
app.command("import")(import_file.import_file)
app.add_typer(client.app, name="client")
app.add_typer(token.app, name="token")
app.add_typer(user.app, name="user")
app.add_typer(ldap.app, name="ldap")
app.add_typer(mail.app, name="mail")


def main() -> None:
    """Run a command and end the process with its exit status; an error is one message, not a traceback."""
    try:
        app()
    except ConfigError as error:
        print_error(error)
        sys.exit(WRONG_USE)
    except IdpError as error:
        print_error(error)
        sys.exit(FAILED)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except BrokenPipeError:
        # Whoever read our output has seen enough (`| head`).
        sys.stderr.close()
        sys.exit(FAILED)
    except Exception as error:
        if sys.flags.dev_mode:
            raise
        print_error(OurBug(error))
        sys.exit(FAILED)
