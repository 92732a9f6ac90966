"""The leases that this process holds, renewed by the heartbeat's thread and asked about by the device's.

A lease counts as lost when the database says so, and also when it could not be asked for a lease's length.
"""

import math
import threading
import time
from collections.abc import Collection

from shared.claims import Claim, Claims
from shared.tallies import ENDED, LEASES_LOST, labels_of

Key = tuple[int, int]
LOST = -math.inf  # when the lease of what the database says is not ours has ended


class Leases:
    """What is held, and until when by this process's own monotonic clock."""

    def __init__(self, claims: Claims, lease_seconds: float) -> None:
        self.claims = claims
        self.seconds = lease_seconds
        self._ends: dict[Key, float] = {}
        self._unwanted: set[Key] = set()
        self._run_out: set[Key] = set()
        self._lock = threading.Lock()
        self.ended = 0  # so many tasks have come to their end here

    def hold(self, claimed: Collection[Claim], since: float) -> None:
        """Hold fresh claims; `since` is the monotonic time before they were asked for."""
        with self._lock:
            self._ends.update({_key(claim): since + self.seconds for claim in claimed})

    def drop(self, claim: Claim) -> None:
        """Hold it no longer, whatever became of it.

        One that ran out while nobody could ask goes back into the queue as soon as the database can be told.
        """
        with self._lock:
            ends = self._ends.pop(_key(claim), math.inf)
            lost = ends <= time.monotonic()
            if lost and ends > LOST:
                self._run_out.add(_key(claim))
            self._unwanted.discard(_key(claim))
        if lost:
            LEASES_LOST.add("own")

    def count(self, claim: Claim, outcome: str) -> None:
        """Note that a task has come to its end here."""
        with self._lock:
            self.ended += 1
        ENDED.add(*labels_of(claim.kind, claim.parameters), outcome)

    @property
    def none(self) -> bool:
        """Whether nothing is held."""
        return not self._ends

    def holds(self, claim: Claim) -> bool:
        """Whether this process may still work on it."""
        with self._lock:
            return self._ends.get(_key(claim), LOST) > time.monotonic()

    def unwanted(self, claim: Claim) -> bool:
        """Whether its user had asked for an end when the leases were last renewed."""
        with self._lock:
            return _key(claim) in self._unwanted

    def give_back(self, claimed: Collection[Claim] | None = None) -> int:
        """Put these, or all that is held, back into the queue, as if never taken; says how many that were.

        Raises DBAPIError: they are held as before then.
        """
        with self._lock:
            keys = {_key(claim) for claim in claimed} if claimed is not None else {*self._ends, *self._run_out}
        given = self.claims.give_back(keys)
        with self._lock:
            for key in keys:
                self._ends.pop(key, None)
            self._unwanted -= keys
            self._run_out -= keys
        return given

    def renew(self) -> None:
        """Prolong what is held; what the database says is not ours any more is lost. Raises DBAPIError."""
        with self._lock:
            asked, run_out = set(self._ends), set(self._run_out)
        since = time.monotonic()
        ours = self.claims.renew(asked)
        self.claims.give_back(run_out)
        with self._lock:
            self._run_out -= run_out
            for key in asked & self._ends.keys():
                self._ends[key] = since + self.seconds if key in ours else LOST
                if ours.get(key):
                    self._unwanted.add(key)


def _key(claim: Claim) -> Key:
    return claim.id, claim.fence
