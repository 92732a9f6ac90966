"""HTTP/1.1 on one connection that is kept: no more than a load needs, so that it costs little beside what it loads."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

ANSWER_SECONDS = 60.0
END = b"\r\n\r\n"


@dataclass(frozen=True)
class Answer:
    """`size` is what came over the wire, in bytes."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    size: int


class Closed(ConnectionError):
    """The server closed the connection before it had answered."""


class Client(asyncio.Protocol):
    """One after the other; opens its connection when it has none."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._transport: asyncio.Transport | None = None
        self._heard = b""
        self._answer: asyncio.Future[Answer] | None = None

    async def ask(self, request: bytes) -> Answer:
        """Raises OSError, and TimeoutError when there is no answer after ANSWER_SECONDS."""
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                if self._transport is None:
                    self._transport, _ = await loop.create_connection(lambda: self, "127.0.0.1", self._port)
                self._heard, self._answer = b"", loop.create_future()
                self._transport.write(request)
                return await self._answer
        except TimeoutError:
            self.close()
            raise

    def close(self) -> None:
        if self._transport is not None:
            self._transport.abort()
            self._transport = None

    def data_received(self, data: bytes) -> None:
        self._heard += data
        answer = parsed(self._heard)
        if answer and self._answer and not self._answer.done():
            self._answer.set_result(answer)

    def connection_lost(self, error: Exception | None) -> None:
        self._transport = None
        if self._answer and not self._answer.done():
            self._answer.set_exception(Closed())


def request(method: str, path: str, headers: Mapping[str, str], body: bytes = b"") -> bytes:
    """What is sent."""
    length = {"Content-Length": str(len(body))} if body else {}
    lines = [f"{name}: {value}" for name, value in {"Host": "127.0.0.1", **headers, **length}.items()]
    return "\r\n".join([f"{method} {path} HTTP/1.1", *lines]).encode() + END + body


def parsed(heard: bytes) -> Answer | None:
    """The answer that begins there, once it is whole. It says how long it is, or is a 304 and has no body."""
    head, found, rest = heard.partition(END)
    if not found:
        return None
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    status = int(first.split(" ", 2)[1])
    length = 0 if status == 304 else int(headers["content-length"])
    if len(rest) < length:
        return None
    return Answer(status, headers, rest[:length], len(head) + len(END) + length)
