"""Who fetches a take-out: each user one at a time, and a few in each process: slow ones leave threads for others.

With Redis away nobody knows of other processes' ones, and only the few places count.
"""

import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from redis import Redis

from shared.breaker import Breaker
from shared.errors import TakeoutRunning
from shared.room import Room

LIFE_SECONDS = 300  # without a sign of life somebody else may begin
RENEW_SECONDS = 30.0

# KEYS: the turn. ARGV: whose it is, its life in seconds; 0 ends it.
GO_ON = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
if ARGV[2] == '0' then return redis.call('DEL', KEYS[1]) end
return redis.call('EXPIRE', KEYS[1], ARGV[2])
"""


class TakeOutTurns:
    """Lives as long as the process."""

    def __init__(self, redis: Redis, room: Room, clock: Callable[[], float] = time.monotonic) -> None:
        self._redis = redis
        self._room = room
        self._clock = clock
        self._breaker = Breaker("takeouts_not_counted")

    @contextmanager
    def turn(self, user_id: int) -> Iterator[Callable[[], None]]:
        """Theirs for as long as the block runs, which calls what it gets now and then.

        Raises TakeoutRunning, Unavailable.
        """
        key, mine = f"darkroom:takeout:{user_id}", secrets.token_hex(8)
        if not self._breaker.ask(lambda: bool(self._redis.set(key, mine, nx=True, ex=LIFE_SECONDS)), True):
            raise TakeoutRunning
        try:
            with self._room.place():
                yield self._renewal(key, mine)
        finally:
            self._breaker.ask(lambda: self._redis.eval(GO_ON, 1, key, mine, "0"), None)

    def _renewal(self, key: str, mine: str) -> Callable[[], None]:
        due = self._clock() + RENEW_SECONDS

        def renew() -> None:
            nonlocal due
            if self._clock() >= due:
                due = self._clock() + RENEW_SECONDS
                self._breaker.ask(lambda: self._redis.eval(GO_ON, 1, key, mine, str(LIFE_SECONDS)), None)

        return renew
