"""A web server of the tests that says whatever a test wants it to, and how slowly."""

import datetime
import ipaddress
import socketserver
import ssl
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.fakes.background import Background

Send = Callable[[bytes], None]
Answer = Callable[[Send], None]


class Site(Background):
    """Answers by path; `heard` are the requests' heads, one text each."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        super().__init__(_Visitor)
        self.answers: dict[str, Answer] = {}
        self.heard: list[str] = []
        self._tls = tls

    def get_request(self) -> tuple[Any, Any]:
        connection, address = super().get_request()
        return (self._tls.wrap_socket(connection, server_side=True) if self._tls else connection), address

    def drip(self, piece: bytes) -> Answer:
        """Says this again and again, a little at a time, until the visitor or the test ends."""

        def answer(send: Send) -> None:
            while not self.closing.wait(0.01):
                send(piece)

        return answer


class _Visitor(socketserver.StreamRequestHandler):
    server: Site

    def handle(self) -> None:
        lines: list[str] = []
        while (line := self.rfile.readline().decode()).strip():
            lines.append(line.strip())
        self.server.heard.append("\n".join(lines))
        self.server.answers[lines[0].split(" ")[1]](self.wfile.write)


def reply(body: bytes = b"", status: str = "200 OK", headers: Mapping[str, str] | None = None) -> Answer:
    """An ordinary answer; headers given here stand instead of the usual ones."""
    given = {"Content-Type": "image/png", "Content-Length": str(len(body)), **(headers or {})}
    head = "".join(f"{name}: {value}\r\n" for name, value in given.items() if value)
    return lambda send: send(f"HTTP/1.1 {status}\r\n{head}\r\n".encode() + body)


def redirect(url: str, status: int = 302) -> Answer:
    return reply(status=f"{status} Elsewhere", headers={"Location": url})


def trusted_by(folder: Path, name: str) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """What a server called `name` speaks TLS with, and a client that trusts it and no other."""
    key = ec.generate_private_key(ec.SECP256R1())
    now = datetime.datetime.now(datetime.UTC)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    names: list[x509.GeneralName] = [_name(name)]
    certificate = (
        x509.CertificateBuilder(subject, subject, key.public_key(), 1)
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    plain = serialization.NoEncryption()
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    path = folder / f"{name}.pem"
    path.write_bytes(pem + certificate.public_bytes(serialization.Encoding.PEM))
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(path)
    return server, ssl.create_default_context(cafile=path)


def _name(text: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(text))
    except ValueError:
        return x509.DNSName(text)
