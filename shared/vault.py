"""What is kept encrypted: users' provider keys. Fernet (AES-128-CBC with HMAC-SHA256), keys derived from the secrets.

The newest secret encrypts; older ones still decrypt, until what they encrypted has been encrypted anew.
"""

import base64
import hashlib
from collections.abc import Sequence
from typing import Self

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from shared.settings import Settings


class Undecryptable(Exception):
    """None of the secrets opens this."""


class Vault:
    """Encrypts and decrypts short texts. `version` names the newest secret without telling it."""

    def __init__(self, secrets: Sequence[str]) -> None:
        keys = [_derived(secret) for secret in secrets]
        self._fernet = MultiFernet([Fernet(key) for key in keys])
        self.version = hashlib.sha256(b"version:" + keys[0]).hexdigest()[:16]

    @classmethod
    def of(cls, settings: Settings) -> Self:
        secrets = (settings.secret_key, *settings.old_secret_keys)
        return cls([secret.get_secret_value() for secret in secrets])

    def encrypt(self, text: str) -> str:
        return self._fernet.encrypt(text.encode()).decode()

    def decrypt(self, token: str) -> str:
        """Raises Undecryptable."""
        try:
            return self._fernet.decrypt(token.encode()).decode()
        except InvalidToken as error:
            raise Undecryptable from error

    def rotate(self, token: str) -> str:
        """The same text, encrypted by the newest secret. Raises Undecryptable."""
        try:
            return self._fernet.rotate(token.encode()).decode()
        except InvalidToken as error:
            raise Undecryptable from error


def _derived(secret: str) -> bytes:
    return base64.urlsafe_b64encode(hashlib.sha256(f"vault:{secret}".encode()).digest())
