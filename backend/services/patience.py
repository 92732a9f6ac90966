"""The pause between failed logins of one account, which grows with each of them. Kept in Redis, for a while.

A try counts before its password is compared, so that many at once gain nothing. Whether there is such an account makes
no difference. With Redis away nobody waits.
"""

import hashlib
import math

from redis import Redis

from shared.breaker import Breaker
from shared.errors import TooMany

FREE_TRIES = 5
WINDOW_SECONDS = 15 * 60
LONGEST_PAUSE_SECONDS = 60

# KEYS: the tries, the pause. ARGV: the free tries, the window, the longest pause. Returns milliseconds to wait.
TRY = """
local left = redis.call('PTTL', KEYS[2])
if left > 0 then return left end
local tries = redis.call('INCR', KEYS[1])
if tries == 1 then redis.call('EXPIRE', KEYS[1], ARGV[2]) end
local over = tries - tonumber(ARGV[1])
if over >= 0 then
  redis.call('SET', KEYS[2], '', 'EX', math.min(tonumber(ARGV[3]), 2 ^ math.min(over, 20)))
end
return 0
"""


class Patience:
    """Lives as long as the process. After a failure Redis is left alone for some seconds."""

    def __init__(self, redis: Redis, enabled: bool) -> None:
        self._redis = redis
        self._enabled = enabled
        self._breaker = Breaker("logins_not_counted")

    def begin(self, account_key: str) -> None:
        """Somebody is about to try a password. Raises TooMany during a pause."""
        if not self._enabled:
            return
        rules = (FREE_TRIES, WINDOW_SECONDS, LONGEST_PAUSE_SECONDS)
        left = self._breaker.ask(lambda: int(self._redis.eval(TRY, 2, *_keys(account_key), *rules)), 0)
        if left > 0:
            raise TooMany(math.ceil(left / 1000))

    def forget(self, account_key: str) -> None:
        """The password was right."""
        if self._enabled:
            self._breaker.ask(lambda: self._redis.delete(*_keys(account_key)), None)


def _keys(account_key: str) -> tuple[str, str]:
    name = hashlib.sha256(account_key.encode()).hexdigest()[:32]
    return f"darkroom:logins:{name}:tries", f"darkroom:logins:{name}:pause"
