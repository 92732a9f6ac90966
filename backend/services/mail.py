"""Mail with a code in it, and where it goes while no mail server is configured. Knows no language."""

from dataclasses import dataclass
from typing import Protocol

import structlog

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Mail:
    """One mail, the same in text and in HTML; `code` is what it is about."""

    to: str
    code: str
    subject: str
    text: str
    html: str


class Mailer(Protocol):
    """What brings mail to people."""

    def send(self, mail: Mail) -> None:
        """Raises MailFailed."""


class LogMailer:
    """The log: whoever runs the service reads the codes there and passes them on."""

    def send(self, mail: Mail) -> None:
        log.warning("mail_to_log", to=mail.to, code=mail.code, subject=mail.subject)
