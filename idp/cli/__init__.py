"""The command line: `idp serve`, and commands that work on the store directly, beside a running server."""

import gc


def main() -> None:
    """Run the command that was typed."""
    # What is loaded stays. To look through all of it again and again while it comes would take a tenth of the start;
    # who goes on to work turns the collector on again.
    gc.disable()
    from idp.cli.main import main as run

    run()
