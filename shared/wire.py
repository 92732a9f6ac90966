"""One request over http or https to an address that was checked, with one deadline for all of it.

The address is found, checked and then connected to as it is. No proxy, no cookie and no password is used, whatever the
environment says, and nothing is followed.
"""

import http.client
import io
import socket
import ssl
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self, cast
from urllib.parse import quote, urlsplit

from shared.addresses import Address, Addresses, FetchRefused

PORTS = {"http": 80, "https": 443}
UNQUOTED = "/%:=&?~+!$,;'@()*[]"


class Oversized(Exception):
    """The answer has more bytes than it may have."""


class Deadline:
    """A moment by which all is over."""

    def __init__(self, seconds: float) -> None:
        self._ends = time.monotonic() + seconds

    def left(self) -> float:
        """Seconds. Raises TimeoutError when none are left."""
        left = self._ends - time.monotonic()
        if left <= 0:
            raise TimeoutError("out of time")
        return left


@dataclass(frozen=True)
class Target:
    """What one request asks for and where; `path` has the query with it."""

    scheme: str
    host: str
    port: int
    path: str

    @classmethod
    def of(cls, url: str) -> Self:
        """Raises FetchRefused for what is no plain http or https url."""
        try:
            parts = urlsplit(url)
            if parts.scheme not in PORTS or not parts.hostname or "@" in parts.netloc:
                raise FetchRefused("no plain http or https url")
            host = parts.hostname.encode("idna").decode("ascii")
            port = PORTS[parts.scheme] if parts.port is None else parts.port
        except ValueError as error:  # UnicodeError is one
            raise FetchRefused("no url") from error
        query = f"?{parts.query}" if parts.query else ""
        return cls(parts.scheme, host, port, quote((parts.path or "/") + query, safe=UNQUOTED))


class Line:
    """Asks over a fresh connection each time; `tls` is whom to trust. Lives as long as its addresses."""

    def __init__(self, addresses: Addresses, tls: ssl.SSLContext | None = None) -> None:
        self._addresses = addresses
        self._tls = tls

    @contextmanager
    def answer(
        self, method: str, target: Target, headers: Mapping[str, str], body: bytes | None, deadline: Deadline
    ) -> Iterator[http.client.HTTPResponse]:
        """The answer, its body not read yet. Raises FetchRefused, OSError, HTTPException, ValueError."""
        addresses = self._addresses.find(target.host, target.port, deadline.left())
        with self._secured(target, _connected(addresses, deadline), deadline) as connected:
            connection = http.client.HTTPConnection(target.host, target.port)
            connection.default_port = PORTS[target.scheme]  # an instance's own: whether Host names the port
            connection.sock = cast(socket.socket, Wire(connected, deadline))
            connection.request(method, target.path, body, headers={**headers, "Connection": "close"})
            yield connection.getresponse()

    @cached_property
    def _trust(self) -> ssl.SSLContext:
        return self._tls or ssl.create_default_context()

    def _secured(self, target: Target, connected: socket.socket, deadline: Deadline) -> socket.socket:
        if target.scheme == "http":
            return connected
        try:
            connected.settimeout(deadline.left())
            return self._trust.wrap_socket(connected, server_hostname=target.host)
        except BaseException:
            connected.close()
            raise


class Wire:
    """A socket as http.client uses one, which is out of time at the deadline however slowly something drips in."""

    def __init__(self, connected: socket.socket, deadline: Deadline) -> None:
        self._socket = connected
        self._deadline = deadline

    def makefile(self, mode: str) -> io.BufferedReader:
        return io.BufferedReader(Incoming(self))

    def sendall(self, data: Any) -> None:
        self._socket.settimeout(self._deadline.left())
        self._socket.sendall(data)

    def recv_into(self, buffer: Any) -> int:
        self._socket.settimeout(self._deadline.left())
        return self._socket.recv_into(buffer)

    def close(self) -> None:
        """http.client thinks it is done before the body was read; who opened the socket closes it."""


class Incoming(io.RawIOBase):
    """What comes over the wire."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        return self._wire.recv_into(buffer)


def _connected(addresses: list[Address], deadline: Deadline) -> socket.socket:
    """To the first address that answers within its share of the time. Raises OSError."""
    failure = OSError("no address")
    for tried, address in enumerate(addresses):
        connected = socket.socket(address.family, socket.SOCK_STREAM)
        try:
            connected.settimeout(deadline.left() / (len(addresses) - tried))
            connected.connect(address.place)
            return connected
        except OSError as error:
            connected.close()
            failure = error
    raise failure


def whole(response: http.client.HTTPResponse, max_bytes: int) -> bytes:
    """The answer's body. Raises Oversized for more bytes, OSError and HTTPException for fewer than it promised."""
    if (response.length or 0) > max_bytes:
        raise Oversized("too large")
    data = response.read(max_bytes + 1)
    if len(data) > max_bytes:
        raise Oversized("too large")
    if response.length:
        raise http.client.IncompleteRead(b"", response.length)
    return data
