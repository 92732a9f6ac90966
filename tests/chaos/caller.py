"""One user's calls over HTTP, each on a connection of its own, as most clients do."""

import http.client
import json
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any

PASSWORD = "User@1234"
SECONDS = 30


class NoAnswer(Exception):
    """The connection was refused or lost."""


@dataclass(frozen=True)
class Answer:
    """What came."""

    status: int
    body: bytes

    @property
    def data(self) -> Any:
        return json.loads(self.body).get("data")

    @property
    def ok(self) -> bool:
        return self.status == 200


class Caller:
    """Somebody with an account."""

    def __init__(self, url: str, account: str) -> None:
        self.account = account
        self._url = url
        self._token = ""

    def sign_up(self) -> None:
        named = {"account": self.account, "password": PASSWORD}
        registered = self.call("POST", "/api/v1/auth/register", {**named, "email": f"{self.account}@example.com"})
        logged_in = self.call("POST", "/api/v1/auth/login", named)
        assert registered.ok, registered
        assert logged_in.ok, logged_in
        self._token = logged_in.data["token"]

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        """Raises NoAnswer."""
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {self._token}", **headers}
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(self._url + path, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=SECONDS) as response:
                return Answer(response.status, response.read())
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, error.read())
        except (OSError, http.client.HTTPException) as error:
            raise NoAnswer(repr(error)) from error
