"""The signed form of a file's url: for `<img src>` and whatever else cannot send a token, for a while.

The end of a link's time is rounded up to a whole period, so that the same file has the same link for a while and a
browser's cache can hit.
"""

import hashlib
import hmac
import time
from collections.abc import Callable

from shared.errors import LinkExpired, LinkInvalid


class Links:
    """Signs names with a key of their own, derived from the one secret (HMAC-SHA256)."""

    def __init__(self, secret: str, minutes: int, clock: Callable[[], float] = time.time) -> None:
        self._key = hashlib.sha256(f"links:{secret}".encode()).digest()
        self._seconds = minutes * 60
        self._clock = clock

    def sign(self, name: str) -> str:
        """The query of the signed url; it works for one to two periods."""
        expires = (self.period + 2) * self._seconds
        return f"expires={expires}&signature={self._signature(name, expires)}"

    @property
    def period(self) -> int:
        """The number of the current period: links are the same within one."""
        return int(self._clock()) // self._seconds

    def check(self, name: str, expires: str, signature: str) -> None:
        """Raises LinkInvalid, LinkExpired."""
        if not (expires.isascii() and expires.isdigit() and len(expires) < 20):
            raise LinkInvalid
        if not hmac.compare_digest(self._signature(name, int(expires)).encode(), signature.encode()):
            raise LinkInvalid
        if int(expires) < self._clock():
            raise LinkExpired

    def _signature(self, name: str, expires: int) -> str:
        return hmac.new(self._key, f"{name}\n{expires}".encode(), hashlib.sha256).hexdigest()
