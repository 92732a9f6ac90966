"""Asks the web tier whether the service is ready, and says so, or what is missing when that takes long.

Owns the two lines that a person waits for. Does not know how the web tier finds out.
"""

import http.client
import json
import time
from collections.abc import Callable
from dataclasses import dataclass

from shared.launch import address
from shared.launch.console import say

SECONDS_TO_ANSWER = 2.0
PATIENCE = 10.0  # seconds until, and between, words about what is missing


@dataclass(frozen=True)
class Answer:
    """What /readyz says: the checks that fail, by name. Not to be reached at all counts as one."""

    missing: dict[str, str]

    @property
    def is_ready(self) -> bool:
        return not self.missing


def ask(host: str, port: int) -> Answer:
    """One request to /readyz."""
    connection = http.client.HTTPConnection(address.reachable(host), port, timeout=SECONDS_TO_ANSWER)
    try:
        connection.request("GET", "/readyz")
        response = connection.getresponse()
        return Answer({}) if response.status == 200 else Answer(_failing(response.read()))
    except (OSError, http.client.HTTPException):
        return Answer({"web": "no answer yet"})
    finally:
        connection.close()


class Announcement:
    """Asks until ready, then says so once."""

    def __init__(
        self, url: str, asks: Callable[[], Answer], without_worker: bool, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._url = url
        self._asks = asks
        self._without_worker = without_worker
        self._clock = clock
        self._next_word = clock() + PATIENCE

    def is_made(self) -> bool:
        """True once the service is ready. Between, every ten seconds, says what it waits for."""
        answer = self._asks()
        if answer.is_ready:
            say(f"Darkroom is ready: {self._url}  (docs: /docs)")
            return True
        if self._without_worker and set(answer.missing) == {"worker"}:
            say(f"Darkroom's web tier is ready: {self._url}  (no worker yet: ./start.sh worker)")
            return True
        if self._clock() >= self._next_word:
            self._next_word = self._clock() + PATIENCE
            say("waiting for " + ", ".join(f"{name} ({state})" for name, state in sorted(answer.missing.items())))
        return False


def _failing(body: bytes) -> dict[str, str]:
    try:
        checks: dict[str, object] = json.loads(body)["checks"]
        missing = {name: str(state) for name, state in checks.items() if state != "ok"}
    except (ValueError, KeyError, TypeError, AttributeError):
        missing = {}
    return missing or {"web": "not ready"}
