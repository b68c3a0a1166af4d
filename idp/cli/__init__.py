"""The command line: `idp serve`, and commands that work on the store directly, beside a running server."""

from idp.cli.main import main

__all__ = ["main"]
