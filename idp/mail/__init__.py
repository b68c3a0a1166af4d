"""Mail: one function and one template folder per message, an outbox in the store, and senders."""

from idp.mail.compose import Letter, Mailer, Message, Seal
from idp.mail.outbox import Outbox
from idp.mail.senders import FileSender, Refused, Sender, SmtpSender

__all__ = ["FileSender", "Letter", "Mailer", "Message", "Outbox", "Refused", "Seal", "Sender", "SmtpSender"]
