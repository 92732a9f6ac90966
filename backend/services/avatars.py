"""The pictures that users show of themselves. A file has a name that nobody can guess and no row of its own: the user's
row says which one is theirs.
"""

import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import structlog

from backend.services.files import StoredFile, reachable, save
from backend.services.pictures import Pictures
from shared.errors import AppError, NotFound, TooLarge, UnsupportedMediaType
from shared.kept import AVATARS_URL, avatar_key
from shared.storage import EXTENSIONS, Storage

log = structlog.get_logger(__name__)

MAX_BYTES = 5 * 1024 * 1024
LONGEST_SIDE = 1024
NAME = re.compile(r"[0-9a-f]{32}\.(png|jpg)", re.ASCII)
MEDIA_TYPES = ("image/png", "image/jpeg", "image/jpg", "image/gif", "image/webp")
KEPT = {"png": "image/png", "jpg": "image/jpeg"}


@dataclass(frozen=True)
class Sent:
    """A picture as it came; `media_type` is what its sender says, or empty, and `field` where it stood."""

    data: bytes
    media_type: str = ""
    field: str = "avatar"


class Avatars:
    """The avatars of all users."""

    def __init__(self, storage: Storage, pictures: Pictures) -> None:
        self._storage = storage
        self._pictures = pictures

    def save(self, sent: Sent) -> str:
        """Decode the picture, keep it encoded anew, and return its url.

        Raises TooLarge, UnsupportedMediaType, Invalid for its field, Unavailable.
        """
        if sent.media_type and sent.media_type not in MEDIA_TYPES:
            raise UnsupportedMediaType(f"send {' or '.join(MEDIA_TYPES)}")
        if len(sent.data) > MAX_BYTES:
            raise TooLarge(f"{sent.field}: at most {MAX_BYTES} bytes")
        picture = self._pictures.normalise(sent.data, sent.field, sent.media_type, LONGEST_SIDE)
        name = f"{secrets.token_hex(16)}.{EXTENSIONS[picture.media_type]}"
        save(self._storage, avatar_key(name), picture.data)
        return AVATARS_URL + name

    @contextmanager
    def keeping(self, sent: Sent | None) -> Iterator[str | None]:
        """The url of the picture, if one was sent; it goes again when the block is refused. Raises as `save`.

        After any other failure a row may tell of it: if none does, a worker's sweep finds the file.
        """
        url = self.save(sent) if sent else None
        try:
            yield url
        except AppError:
            self.remove(url)
            raise

    def remove(self, url: str | None) -> None:
        """Delete the file, if the url is that of one. One that cannot be deleted stays: nothing refers to it."""
        name = (url or "").removeprefix(AVATARS_URL)
        if not NAME.fullmatch(name):
            return
        try:
            self._storage.delete(avatar_key(name))
        except OSError as error:
            log.error("avatar_not_deleted", key=avatar_key(name), error=str(error))

    def size(self, url: str | None) -> int:
        """The bytes of the file, if the url is that of one, else 0. Raises Unavailable."""
        try:
            return self.find((url or "").removeprefix(AVATARS_URL)).size
        except NotFound:
            return 0

    def find(self, name: str) -> StoredFile:
        """By the last part of its url. Raises NotFound, Unavailable."""
        match = NAME.fullmatch(name)
        if match is None:
            raise NotFound(name)
        key = avatar_key(name)
        with reachable(key):
            size = self._storage.size(key)
        return StoredFile(name, key, media_type=KEPT[match[1]], size=size, sha256=name[:32])
