"""A private S3 of the tests: moto's server, in a thread of this process."""

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import Message
from typing import Any

from shared.settings import Settings

BUCKET = "pictures"
ACCESS_KEY = "the-id-of-a-key"
SECRET = "the secret half of that key"


@dataclass(frozen=True)
class Answer:
    """What the server says to somebody who has signed nothing; names of headers are in small letters."""

    status: int
    data: bytes
    headers: dict[str, str]


@dataclass(frozen=True)
class ObjectStore:
    """The server at this url."""

    url: str

    def settings(self, **others: Any) -> Settings:
        """Of a service that keeps its files here."""
        values: dict[str, Any] = {
            "secret_key": "x" * 40,
            "storage_url": f"s3://{BUCKET}/some/prefix",
            "s3_endpoint_url": self.url,
            "s3_access_key": ACCESS_KEY,
            "s3_secret_key": SECRET,
        }
        return Settings(_env_file=None, **values | others)

    def empty(self) -> None:
        """Nothing is left but an empty bucket."""
        self.ask("POST", "/moto-api/reset")
        self.ask("PUT", f"/{BUCKET}")

    def refuse(self, *actions: str) -> None:
        """From now on nobody may do that, such as s3:PutObject."""
        statement = {
            "Effect": "Deny",
            "Principal": "*",
            "Action": list(actions),
            "Resource": f"arn:aws:s3:::{BUCKET}/*",
        }
        policy = {"Version": "2012-10-17", "Statement": [statement]}
        self.ask("PUT", f"/{BUCKET}?policy", json.dumps(policy).encode())

    def ask(self, method: str, path: str, data: bytes | None = None, **headers: str) -> Answer:
        """`path` is within the server, or a whole url."""
        url = path if path.startswith("http") else self.url + path
        kind = {"Content-Type": "application/octet-stream"}  # else urllib says that it is a form
        request = urllib.request.Request(url, data, kind | headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return Answer(answer.status, answer.read(), _named(answer.headers))
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, error.read(), _named(error.headers))


def _named(headers: Message) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


@contextmanager
def object_store() -> Iterator[ObjectStore]:
    """The server, for as long as the block."""
    from moto.server import ThreadedMotoServer  # a second that only tests with a bucket spend

    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    try:
        yield ObjectStore(f"http://{host}:{port}")
    finally:
        server.stop()
