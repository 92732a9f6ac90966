"""Fetches what users point to on the web, without being led to machines that only this service can reach.

Every hop's address is checked and then connected to as it is; the deadline counts for everything together.
"""

import http.client
import ssl
from urllib.parse import urljoin

from shared.addresses import Addresses
from shared.room import Room
from shared.wire import Deadline, Line, Oversized, Target, whole

REDIRECTS = {301, 302, 303, 307, 308}
MOST_HOPS = 3
SECONDS = 10.0
AT_A_TIME = 4
PATIENCE_SECONDS = 5.0
HEADERS = {"User-Agent": "Darkroom", "Accept": "*/*"}


class FetchFailed(Exception):
    """Nothing of use came from there in time."""


class Fetcher:
    """Lives as long as the process; `addresses` says where it may go, `tls` whom to trust."""

    def __init__(
        self,
        addresses: Addresses,
        *,
        seconds: float = SECONDS,
        at_a_time: int = AT_A_TIME,
        patience: float = PATIENCE_SECONDS,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._line = Line(addresses, tls)
        self._seconds = seconds
        self._room = Room(at_a_time, patience)

    def get(self, url: str, max_bytes: int) -> bytes:
        """The body of a 200. Raises FetchRefused, FetchFailed, or Unavailable while too many others fetch."""
        with self._room.place():
            return fetch(self._line, url, max_bytes, Deadline(self._seconds))


def fetch(line: Line, url: str, max_bytes: int, deadline: Deadline) -> bytes:
    """The body of a 200, behind a few redirects at most. Raises FetchRefused, FetchFailed from what it was."""
    try:
        return _followed(line, url, max_bytes, deadline)
    except (OSError, http.client.HTTPException, ValueError, Oversized) as error:
        raise FetchFailed(type(error).__name__) from error


def _followed(line: Line, url: str, max_bytes: int, deadline: Deadline) -> bytes:
    for _ in range(1 + MOST_HOPS):
        with line.answer("GET", Target.of(url), HEADERS, None, deadline) as response:
            if response.status == http.client.OK:
                return whole(response, max_bytes)
            if response.status not in REDIRECTS:
                raise FetchFailed(f"status {response.status}")
            url = urljoin(url, response.getheader("Location") or "")
    raise FetchFailed("redirected too often")
