"""Fetches what users point to on the web, without being led to machines that only this service can reach.

Every hop's address is checked and then connected to as it is; the deadline counts for everything together. No proxy,
no cookie and no password is used, whatever the environment says.
"""

import http.client
import io
import socket
import ssl
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self, cast
from urllib.parse import quote, urljoin, urlsplit

from backend.services.room import Room
from shared.addresses import Address, Addresses, FetchRefused, Resolve

PORTS = {"http": 80, "https": 443}
REDIRECTS = {301, 302, 303, 307, 308}
MOST_HOPS = 3
SECONDS = 10.0
AT_A_TIME = 4
PATIENCE_SECONDS = 5.0
HEADERS = {"User-Agent": "Darkroom", "Accept": "*/*", "Connection": "close"}
UNQUOTED = "/%:=&?~+!$,;'@()*[]"


class FetchFailed(Exception):
    """Nothing of use came from there in time."""


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


class Fetcher:
    """Lives as long as the process; `allowed` are the `host:port` that may be anywhere, `tls` whom to trust."""

    def __init__(
        self,
        allowed: Collection[str] = (),
        *,
        seconds: float = SECONDS,
        at_a_time: int = AT_A_TIME,
        patience: float = PATIENCE_SECONDS,
        resolve: Resolve = socket.getaddrinfo,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._addresses = Addresses(allowed, resolve)
        self._tls = tls
        self._seconds = seconds
        self._room = Room(at_a_time, patience)

    def get(self, url: str, max_bytes: int) -> bytes:
        """The body of a 200. Raises FetchRefused, FetchFailed, or Unavailable while too many others fetch."""
        with self._room.place():
            try:
                return self._follow(url, max_bytes, Deadline(self._seconds))
            except (OSError, http.client.HTTPException, ValueError) as error:
                raise FetchFailed(type(error).__name__) from error

    def _follow(self, url: str, max_bytes: int, deadline: Deadline) -> bytes:
        for _ in range(1 + MOST_HOPS):
            with self._answer(Target.of(url), deadline) as response:
                if response.status not in REDIRECTS:
                    return _body(response, max_bytes)
                url = urljoin(url, response.getheader("Location") or "")
        raise FetchFailed("redirected too often")

    @contextmanager
    def _answer(self, target: Target, deadline: Deadline) -> Iterator[http.client.HTTPResponse]:
        addresses = self._addresses.find(target.host, target.port, deadline.left())
        with self._secured(target, _connected(addresses, deadline), deadline) as connected:
            connection = http.client.HTTPConnection(target.host, target.port)
            connection.default_port = PORTS[target.scheme]  # an instance's own: whether Host names the port
            connection.sock = cast(socket.socket, Wire(connected, deadline))
            connection.request("GET", target.path, headers=HEADERS)
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


def _body(response: http.client.HTTPResponse, max_bytes: int) -> bytes:
    if response.status != http.client.OK:
        raise FetchFailed(f"status {response.status}")
    if (response.length or 0) > max_bytes:
        raise FetchFailed("too large")
    data = response.read(max_bytes + 1)
    if len(data) > max_bytes or response.length:
        raise FetchFailed("too large, or cut off")
    return data
