"""How the `openai` client reaches a user's provider: over a checked address, bounded in time and bytes.

Knows HTTP and the reasons for which a provider fails, nothing of what is asked for.
"""

import http.client

import httpx2
import openai

from shared.addresses import FetchRefused
from shared.fetcher import REDIRECTS
from shared.wire import Deadline, Line, Oversized, Target, whole

REASONS = {401: "provider_unauthorised", 403: "provider_unauthorised", 429: "provider_limited"}


class Broken(openai.OpenAIError):
    """Nothing of use came back. One of the client's own errors, which is why it lets it pass as it is."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Transport(httpx2.BaseTransport):
    """Sends the key and what the API needs, none of the headers with which the client describes this machine."""

    def __init__(self, line: Line, key: str, deadline: Deadline, max_bytes: int) -> None:
        self._line = line
        self._headers = {"Authorization": f"Bearer {key}", "Accept": "application/json", "User-Agent": "Darkroom"}
        self._deadline = deadline
        self._max_bytes = max_bytes

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """The body of a 200. Raises Broken for whatever else comes, or does not."""
        try:
            return httpx2.Response(200, headers={"Content-Type": "application/json"}, content=self._ask(request))
        except FetchRefused:
            reason = "provider_refused"
        except TimeoutError:
            reason = "provider_timeout"
        except OSError:
            reason = "provider_unavailable"
        except (http.client.HTTPException, ValueError, Oversized):
            reason = "provider_garbage"
        raise Broken(reason)

    def _ask(self, request: httpx2.Request) -> bytes:
        body = request.read() or None
        headers = {**self._headers, "Content-Type": "application/json"} if body else self._headers
        with self._line.answer(request.method, Target.of(str(request.url)), headers, body, self._deadline) as response:
            if response.status != http.client.OK:
                raise Broken(_reason(response.status))
            if response.getheader("Content-Encoding", "identity") != "identity":
                raise Broken("provider_garbage")  # none was asked for, and unpacked it may be of any size
            return whole(response, self._max_bytes)


def _reason(status: int) -> str:
    if status in REDIRECTS:
        return "provider_refused"
    if status in REASONS:
        return REASONS[status]
    if 400 <= status < 500:
        return "provider_rejected"
    return "provider_unavailable" if status >= 500 else "provider_garbage"
