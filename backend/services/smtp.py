"""Mail by SMTP: each mail is taken within a fixed time or has failed, whatever the server does.

smtplib's own timeout begins anew with each byte that comes, and looking up a name has none. So each mail has a thread,
which its sender leaves, and whose connection it cuts, when the time is over.
"""

import smtplib
import socket
import ssl
import threading
import time
from collections.abc import Callable
from contextlib import closing, suppress
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid, parseaddr
from typing import Any

import structlog
from email_validator import EmailNotValidError, validate_email

from backend.services.mail import Mail
from shared.clock import now
from shared.errors import MailFailed
from shared.settings import Settings

log = structlog.get_logger(__name__)

WAIT_SHARE = 0.1  # of the time: so long a mail may wait until another one has ended


class SmtpMailer:
    """At most half of the web tier's threads send at the same time, so that others are left while a server hangs."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._places = threading.BoundedSemaphore(settings.web_threads // 2)

    def send(self, mail: Mail) -> None:
        ends = time.monotonic() + self._settings.smtp_seconds
        message = _message(mail, self._settings.mail_from)
        if not self._places.acquire(timeout=self._settings.smtp_seconds * WAIT_SHARE):
            raise _failed("too many mails at the same time")
        delivery = Delivery(self._settings, message, self._places.release)
        delivery.start()
        delivery.join(ends - time.monotonic())
        if not delivery.taken:
            failure = _failed(delivery.problem)
            delivery.cut()
            raise failure


class Delivery(threading.Thread):
    """One mail's way to the server; `taken` once the server has answered for it."""

    def __init__(self, settings: Settings, message: EmailMessage, ended: Callable[[], None]) -> None:
        super().__init__(name="mail", daemon=True)
        self.taken = False
        self.problem = "too slow"
        self._settings = settings
        self._message = message
        self._ended = ended
        self._socket: socket.socket | None = None
        self._is_cut = False

    def run(self) -> None:
        try:
            self._deliver()
        except (OSError, smtplib.SMTPException, ValueError) as error:
            self.problem = f"{type(error).__name__}: {error}"
        finally:
            self._ended()

    def cut(self) -> None:
        """End it, from another thread."""
        self._is_cut = True
        if self._socket:
            with suppress(OSError):  # it has ended by itself
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)  # TLS's own would go on in the clear

    def goes_on(self, line: socket.socket | None) -> bool:
        """Asked before each wait for the server: from then on cut() reaches this socket."""
        self._socket = line
        return not self._is_cut

    def _deliver(self) -> None:
        with closing(self._connect()) as line:
            if self._settings.smtp_security == "starttls":
                line.starttls(context=ssl.create_default_context())
            if self._settings.smtp_user:
                line.login(self._settings.smtp_user, self._settings.smtp_password.get_secret_value())
            line.send_message(self._message)
            self.taken = True
            with suppress(OSError, smtplib.SMTPException):  # the mail is on its way, nothing else matters
                line.putcmd("quit")

    def _connect(self) -> smtplib.SMTP:
        s = self._settings
        ours = parseaddr(s.mail_from)[1].rpartition("@")[2]
        options = {"timeout": s.smtp_seconds, "local_hostname": ours.encode("idna").decode()}
        if s.smtp_security == "tls":
            return TlsLine(self, s.smtp_host, s.smtp_port, context=ssl.create_default_context(), **options)
        return Line(self, s.smtp_host, s.smtp_port, **options)


class Line(smtplib.SMTP):
    """A connection that waits for the server only while its delivery goes on."""

    def __init__(self, delivery: Delivery, host: str, port: int, **options: Any) -> None:
        self._delivery = delivery
        super().__init__(host, port, **options)

    def getreply(self) -> tuple[int, bytes]:
        if not self._delivery.goes_on(self.sock):
            self.close()
            raise TimeoutError
        return super().getreply()


class TlsLine(Line, smtplib.SMTP_SSL):
    """The same, in TLS from the first byte."""


def _failed(problem: str) -> MailFailed:
    log.error("mail_failed", problem=problem)
    return MailFailed(problem)


def _message(mail: Mail, sender: str) -> EmailMessage:
    """Raises MailFailed for what is no address: nothing but an address gets into a header."""
    try:
        to = validate_email(mail.to, check_deliverability=False)
    except EmailNotValidError as error:
        raise _failed("not an address") from error
    message = EmailMessage()
    message["From"] = sender
    message["To"] = Address(username=to.local_part, domain=to.ascii_domain)
    message["Subject"] = mail.subject
    message["Date"] = format_datetime(now())
    message["Message-ID"] = make_msgid(domain=parseaddr(sender)[1].rpartition("@")[2])
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(mail.text, cte="quoted-printable")
    message.add_alternative(mail.html, subtype="html", cte="quoted-printable")
    return message
