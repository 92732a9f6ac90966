"""A mail server on a port of its own, as good or as bad as a test wants it."""

import socketserver
import ssl
import threading
from contextlib import suppress
from email import message_from_bytes, policy
from email.message import Message
from itertools import takewhile

from tests.fakes.background import Background

GREETING = "GREETING"
REPLIES = {"MAIL": "250 ok", "RCPT": "250 ok", "AUTH": "235 welcome", "QUIT": "221 bye"}


class Sink(Background):
    """Keeps what it is given. It `refuses`, `stalls` or `drips` at one command, or at the GREETING.

    `tls` makes it speak STARTTLS, or TLS from the first byte where it is `wrapped`.
    """

    def __init__(
        self,
        *,
        refuses: str = "",
        stalls: str = "",
        drips: str = "",
        tls: ssl.SSLContext | None = None,
        wrapped: bool = False,
        extensions: tuple[str, ...] = ("SMTPUTF8", "8BITMIME", "AUTH PLAIN"),
    ) -> None:
        super().__init__(Talk)
        self.refuses, self.stalls, self.drips = refuses, stalls, drips
        self.tls, self.wrapped = tls, wrapped
        self.extensions = extensions
        self.mails: list[Message] = []
        self.commands: list[str] = []
        self.encrypted: list[bool] = []
        self.waits = threading.Event()  # somebody is kept waiting
        self.left = threading.Event()  # and has gone


class Talk(socketserver.StreamRequestHandler):
    """One connection."""

    server: Sink

    def handle(self) -> None:
        with suppress(OSError):
            if self.server.wrapped:
                self.encrypt()
            self.answer(GREETING, "220 sink")
            while line := self.rfile.readline():
                self.obey(line.decode().strip())

    def obey(self, line: str) -> None:
        self.server.commands.append(line)
        verb = line.split(" ")[0].split(":")[0].upper()
        if verb == "EHLO":
            offered = ["sink", *self.server.extensions, *(["STARTTLS"] if self.server.tls else [])]
            self.answer(verb, "\r\n".join([*(f"250-{name}" for name in offered), "250 HELP"]))
        elif verb == "STARTTLS":
            self.answer(verb, "220 go on")
            self.encrypt()
        elif verb == "DATA" and self.server.refuses != verb:
            self.answer(verb, "354 go on")
            self.take()
        else:
            self.answer(verb, REPLIES.get(verb, "502 unknown"))

    def take(self) -> None:
        lines = takewhile(lambda line: line not in (b"", b".\r\n"), iter(self.rfile.readline, None))
        data = b"".join(line.removeprefix(b".") if line.startswith(b"..") else line for line in lines)
        self.server.mails.append(message_from_bytes(data, policy=policy.default))
        self.server.encrypted.append(isinstance(self.connection, ssl.SSLSocket))
        self.answer("END", "250 taken")

    def answer(self, verb: str, reply: str) -> None:
        if verb == self.server.stalls:
            self.server.waits.set()
            self.rfile.read()  # until the other one has gone
            self.server.left.set()
        elif verb == self.server.drips:
            self.drip()
        else:
            self.wfile.write((f"550 not {verb}" if verb == self.server.refuses else reply).encode() + b"\r\n")

    def drip(self) -> None:
        """A reply that goes on for ever."""
        self.server.waits.set()
        try:
            while not self.server.left.wait(0.05):
                self.wfile.write(b"250-\r\n")
        except OSError:
            self.server.left.set()

    def encrypt(self) -> None:
        assert self.server.tls
        self.connection = self.request = self.server.tls.wrap_socket(self.connection, server_side=True)
        self.setup()

    def finish(self) -> None:
        with suppress(OSError):
            super().finish()
        self.connection.close()
