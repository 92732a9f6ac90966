"""A stand-in for what brings mail to people: it remembers."""

from collections.abc import Callable
from dataclasses import dataclass, field

from backend.services.mail import Mail
from shared.errors import MailFailed


@dataclass
class FakeMailer:
    """`meanwhile` happens while a mail is under way; while the server is `away`, each mail fails after that."""

    away: bool = False
    sent: list[Mail] = field(default_factory=list)
    meanwhile: Callable[[], object] = lambda: None

    def send(self, mail: Mail) -> None:
        self.meanwhile()
        if self.away:
            raise MailFailed
        self.sent.append(mail)

    @property
    def code(self) -> str:
        """The newest one."""
        return self.sent[-1].code


def wrong(code: str) -> str:
    """A code that this one is not."""
    return f"{(int(code) + 1) % 1_000_000:06}"
