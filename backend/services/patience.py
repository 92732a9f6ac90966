"""The pause between failed logins of one account, which grows with each of them. Kept in Redis, for a while.

A try counts before its password is compared, so that many at once gain nothing. Whether there is such an account makes
no difference. With Redis away nobody waits.
"""

import hashlib
import math
import time

import structlog
from redis import Redis
from redis.exceptions import RedisError

from shared.errors import TooMany

log = structlog.get_logger(__name__)

FREE_TRIES = 5
WINDOW_SECONDS = 15 * 60
LONGEST_PAUSE_SECONDS = 60
SILENT_SECONDS = 5.0

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
        self._silent_until = 0.0

    def begin(self, account_key: str) -> None:
        """Somebody is about to try a password. Raises TooMany during a pause."""
        if not self._enabled or time.monotonic() < self._silent_until:
            return
        try:
            left = self._redis.eval(TRY, 2, *_keys(account_key), FREE_TRIES, WINDOW_SECONDS, LONGEST_PAUSE_SECONDS)
        except RedisError as error:
            self._complain(error)
            return
        if int(left) > 0:
            raise TooMany(math.ceil(int(left) / 1000))

    def forget(self, account_key: str) -> None:
        """The password was right."""
        if not self._enabled or time.monotonic() < self._silent_until:
            return
        try:
            self._redis.delete(*_keys(account_key))
        except RedisError as error:
            self._complain(error)

    def _complain(self, error: RedisError) -> None:
        self._silent_until = time.monotonic() + SILENT_SECONDS
        log.warning("logins_not_counted", error=type(error).__name__)


def _keys(account_key: str) -> tuple[str, str]:
    name = hashlib.sha256(account_key.encode()).hexdigest()[:32]
    return f"darkroom:logins:{name}:tries", f"darkroom:logins:{name}:pause"
