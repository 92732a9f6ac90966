"""Pictures that users bring, as files or by their urls elsewhere."""

import hashlib
import secrets
from urllib.parse import urlsplit

import structlog
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from backend.services.files import OwnFile, upload_file
from backend.services.pictures import Picture, Pictures
from shared.addresses import FetchRefused
from shared.db import writing
from shared.errors import Invalid, TooLarge, Unavailable
from shared.fetcher import Fetcher, FetchFailed
from shared.models import Upload
from shared.storage import EXTENSIONS, Storage

log = structlog.get_logger(__name__)

MAX_BYTES = 20 * 1024 * 1024


class Uploads:
    """The uploads of all users."""

    def __init__(self, session: Session, storage: Storage, pictures: Pictures, fetcher: Fetcher | None) -> None:
        """Without a fetcher nothing is taken from elsewhere."""
        self._session = session
        self._storage = storage
        self._pictures = pictures
        self._fetcher = fetcher

    def keep(self, user_id: int, data: bytes, media_type: str = "", field: str = "file") -> OwnFile:
        """Decode the picture and keep it encoded anew; `media_type` is what its sender says, or empty.

        Raises TooLarge, Invalid for `field`, Unavailable.
        """
        self._session.rollback()  # the connection goes back before the long work
        if len(data) > MAX_BYTES:
            raise TooLarge(f"{field}: at most {MAX_BYTES} bytes")
        return self._store(user_id, self._pictures.normalise(data, field, media_type))

    def fetch(self, user_id: int, url: str, field: str) -> OwnFile:
        """The picture at an http or https url, kept as an upload. Raises Invalid for `field`, Unavailable."""
        if not _is_url(url):
            raise Invalid.of(field, "image_unknown")
        if self._fetcher is None:
            raise Invalid.of(field, "fetch_refused")
        self._session.rollback()  # the connection goes back before somebody far away is waited for
        try:
            data = self._fetcher.get(url, MAX_BYTES)
        except FetchRefused as error:
            raise Invalid.of(field, "fetch_refused") from error
        except FetchFailed as error:
            raise Invalid.of(field, "fetch_failed") from error
        return self.keep(user_id, data, field=field)

    def _store(self, user_id: int, picture: Picture) -> OwnFile:
        """The file first: no row ever points to one that is not there."""
        number = secrets.token_hex(10)
        key = f"uploads/{number[:2]}/ref_{number}.{EXTENSIONS[picture.media_type]}"
        upload = Upload(
            public_id=f"ref_{number}",
            user_id=user_id,
            key=key,
            media_type=picture.media_type,
            bytes=len(picture.data),
            sha256=hashlib.sha256(picture.data).hexdigest(),
            width=picture.width,
            height=picture.height,
        )
        try:
            self._storage.save(key, picture.data)
        except OSError as error:
            log.error("storage_failed", key=key, error=str(error))
            raise Unavailable("the file cannot be written") from error
        try:
            with writing(self._session):
                self._session.add(upload)
        except IntegrityError:  # after any other failure the row may be there: if not, a worker's sweep finds the file
            self._storage.delete(key)
            raise
        return upload_file(upload)


def _is_url(text: str) -> bool:
    try:
        return bool(urlsplit(text).scheme)
    except ValueError:
        return "://" in text  # an url that is not valid is one for the fetcher to refuse
