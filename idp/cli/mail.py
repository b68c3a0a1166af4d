"""`idp mail`: a look at mail that goes into files instead of to a server."""

from typing import TYPE_CHECKING

import typer

from idp.cli.output import Json, print_json, printable, styled
from idp.cli.run import with_services

if TYPE_CHECKING:
    from idp.app.services import Services

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Outgoing mail.")


@app.callback()
def group() -> None:
    """Outgoing mail."""


@app.command("outbox")
def outbox(context: typer.Context, json: Json = False) -> None:
    """Show mail that was written to files.

    That is where it goes while no SMTP server is set. The newest comes first; codes and links stand in it.
    """

    async def show(services: "Services") -> None:
        from idp.mail import FileSender

        sender = services.base.sender
        if not isinstance(sender, FileSender):
            raise typer.BadParameter("mail goes to the server that mail.smtp names")
        # A letter may have been queued a moment ago; the server beside us may be down, or writing it just now.
        await services.base.outbox.deliver_due()
        letters = sender.letters(await services.base.outbox.waiting())
        if json:
            fields = ("at", "to", "subject", "text")
            print_json([{name: getattr(letter, name) for name in fields} for letter in letters])
            return
        for letter in letters:
            print(styled(f"{letter.at}  {printable(letter.to)}  {printable(letter.subject)}", "bold"))
            print("".join(f"    {printable(line)}\n" for line in letter.text.splitlines()))
        if not letters:
            print("No mail has been written.")

    with_services(context, show)
