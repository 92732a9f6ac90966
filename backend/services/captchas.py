"""Pictures of digits that a person reads and a simple program does not.

The digits are in Redis alone, for five minutes. One sign-up spends them, whether it reads them rightly or not.
"""

import hmac
import secrets
from dataclasses import dataclass

from captcha.image import ImageCaptcha
from redis import Redis
from redis.exceptions import RedisError

from shared.errors import CaptchaUnknown, CaptchaWrong, Unavailable

DIGITS = 5
LIFE_SECONDS = 300
ID_BYTES = 24


@dataclass(frozen=True)
class Answer:
    """What somebody read in the picture of this captcha."""

    captcha_id: str
    value: str


class Captchas:
    """The captchas of all processes. Without Redis there are none: every method raises Unavailable then."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    def make(self) -> str:
        """A fresh one's id, which nobody can guess."""
        captcha_id = secrets.token_urlsafe(ID_BYTES)
        digits = f"{secrets.randbelow(10**DIGITS):0{DIGITS}}"
        try:
            self._redis.set(_key(captcha_id), digits, ex=LIFE_SECONDS)
        except RedisError as error:
            raise Unavailable("captchas") from error
        return captcha_id

    def picture(self, captcha_id: str) -> bytes:
        """A PNG, drawn anew each time. Raises CaptchaUnknown for what is none, is spent, or too old."""
        try:
            digits = self._redis.get(_key(captcha_id))
        except RedisError as error:
            raise Unavailable("captchas") from error
        if digits is None:
            raise CaptchaUnknown
        return ImageCaptcha().generate(str(digits)).getvalue()  # fonts of its own: they are not for several threads

    def spend(self, answer: Answer | None) -> None:
        """Raises CaptchaWrong unless it is there and was read rightly; nobody can use it again."""
        if answer is None:
            raise CaptchaWrong
        try:
            digits = self._redis.getdel(_key(answer.captcha_id))
        except RedisError as error:
            raise Unavailable("captchas") from error
        read = answer.value.strip().casefold()
        if digits is None or not hmac.compare_digest(str(digits).casefold().encode(), read.encode()):
            raise CaptchaWrong


def _key(captcha_id: str) -> str:
    return f"darkroom:captcha:{captcha_id}"
