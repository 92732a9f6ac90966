"""The leases that this process holds, renewed by the heartbeat's thread and asked about by the device's.

A lease counts as lost when the database says so, and also when it could not be asked for a lease's length.
"""

import threading
import time
from collections.abc import Collection

from shared.claims import Claim, Claims

Key = tuple[int, int]


class Leases:
    """What is held, and until when by this process's own monotonic clock."""

    def __init__(self, claims: Claims, lease_seconds: float) -> None:
        self.claims = claims
        self._lease_seconds = lease_seconds
        self._ends: dict[Key, float] = {}
        self._unwanted: set[Key] = set()
        self._lock = threading.Lock()
        self.ended = 0  # so many tasks have come to their end here

    def hold(self, claimed: Collection[Claim], since: float) -> None:
        """Hold fresh claims; `since` is the monotonic time before they were asked for."""
        with self._lock:
            self._ends.update({_key(claim): since + self._lease_seconds for claim in claimed})

    def drop(self, claim: Claim) -> None:
        """Hold it no longer, whatever became of it."""
        with self._lock:
            self._ends.pop(_key(claim), None)
            self._unwanted.discard(_key(claim))

    def count(self, ended: bool) -> None:
        """Note whether one more task has come to its end here."""
        with self._lock:
            self.ended += ended

    @property
    def none(self) -> bool:
        """Whether nothing is held."""
        return not self._ends

    def holds(self, claim: Claim) -> bool:
        """Whether this process may still work on it."""
        with self._lock:
            return self._ends.get(_key(claim), 0) > time.monotonic()

    def unwanted(self, claim: Claim) -> bool:
        """Whether its user had asked for an end when the leases were last renewed."""
        with self._lock:
            return _key(claim) in self._unwanted

    def renew(self) -> None:
        """Prolong what is held; what the database says is not ours any more is lost. Raises DBAPIError."""
        with self._lock:
            asked = set(self._ends)
        since = time.monotonic()
        ours = self.claims.renew(asked)
        with self._lock:
            for key in asked & self._ends.keys():
                self._ends[key] = since + self._lease_seconds if key in ours else 0
                if ours.get(key):
                    self._unwanted.add(key)


def _key(claim: Claim) -> Key:
    return claim.id, claim.fence
