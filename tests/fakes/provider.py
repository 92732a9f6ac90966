"""A small provider with OpenAI's interface, which fails in every way that one can."""

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from typing import Any

from tests.fakes.background import Background

KEY = "sk-test-0123456789abcdef-WXYZ"
PNG = b"\x89PNG\r\n\x1a\n a picture of the provider"
CHAT, MODELS, IMAGES = "/v1/chat/completions", "/v1/models", "/v1/images/generations"


@dataclass(frozen=True)
class Heard:
    """One request as it came."""

    path: str
    headers: dict[str, str]
    body: Any


Answer = Callable[["_Visitor"], None]


class FakeProvider(Background):
    """Answers by path; a test puts another answer in the place of a good one. `heard` is what it was asked."""

    def __init__(self) -> None:
        super().__init__(_Visitor)
        self.heard: list[Heard] = []
        self.answers: dict[str, Answer] = {
            CHAT: chat("a better prompt"),
            MODELS: said({"object": "list", "data": [{"id": "tiny-chat", "object": "model"}]}),
            IMAGES: pictures({"b64_json": base64.b64encode(PNG).decode()}),
            "/made/1.png": raw(PNG, "image/png"),
        }

    @property
    def base_url(self) -> str:
        return f"http://{self.place}/v1"


class _Visitor(BaseHTTPRequestHandler):
    server: FakeProvider
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._answer(None)

    def do_POST(self) -> None:
        self._answer(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

    def log_message(self, *_: object) -> None:
        """Nothing."""

    def _answer(self, body: Any) -> None:
        self.close_connection = True
        self.server.heard.append(Heard(self.path, dict(self.headers), body))
        self.server.answers.get(self.path, status(404))(self)


def raw(body: bytes, media_type: str = "application/json", code: int = 200, **headers: str) -> Answer:
    """These bytes; `headers` have _ for -."""

    def answer(visitor: _Visitor) -> None:
        visitor.send_response(code)
        given = {"Content_Type": media_type, "Content_Length": str(len(body)), **headers}
        for name, value in given.items():
            visitor.send_header(name.replace("_", "-"), value)
        visitor.end_headers()
        visitor.wfile.write(body)

    return answer


def said(data: Any) -> Answer:
    """This as JSON."""
    return raw(json.dumps(data).encode())


def chat(text: Any) -> Answer:
    """A chat model's answer."""
    return said({"choices": [{"index": 0, "message": {"role": "assistant", "content": text}}]})


def pictures(*entries: Any) -> Answer:
    """An answer with pictures."""
    return said({"created": 1, "data": list(entries)})


def status(code: int) -> Answer:
    """A failure that repeats the key, as some providers do."""
    return raw(json.dumps({"error": {"message": f"Incorrect API key provided: {KEY}"}}).encode(), code=code)


def redirect(url: str) -> Answer:
    """Elsewhere."""
    return raw(b"", code=302, Location=url)


def silence(visitor: _Visitor) -> None:
    """Nothing at all, until the test ends."""
    visitor.server.closing.wait()


def hang_up(visitor: _Visitor) -> None:
    """The connection ends without a word."""


def drip(visitor: _Visitor) -> None:
    """A body that never ends, a byte at a time."""
    _begin(visitor)
    while not visitor.server.closing.wait(0.01):
        visitor.wfile.write(b"1\r\n \r\n")


def flood(visitor: _Visitor) -> None:
    """A body that never ends, as fast as it goes."""
    _begin(visitor)
    while not visitor.server.closing.is_set():
        visitor.wfile.write(b"100000\r\n" + b" " * 0x100000 + b"\r\n")


def _begin(visitor: _Visitor) -> None:
    visitor.send_response(200)
    visitor.send_header("Content-Type", "application/json")
    visitor.send_header("Transfer-Encoding", "chunked")
    visitor.end_headers()
