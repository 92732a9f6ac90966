"""Pictures that users bring, as files or by their urls elsewhere."""

import hashlib
import secrets
from urllib.parse import urlsplit

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from backend.services.files import OwnFile, save, upload_file
from backend.services.pictures import Picture, Pictures
from backend.services.quotas import Quotas
from shared.addresses import FetchRefused
from shared.db import writing
from shared.errors import Invalid, QuotaExceeded, TooLarge
from shared.fetcher import Fetcher, FetchFailed
from shared.models import Upload
from shared.storage import EXTENSIONS, Storage, discard

MAX_BYTES = 20 * 1024 * 1024


class Uploads:
    """The uploads of all users."""

    def __init__(
        self, session: Session, storage: Storage, pictures: Pictures, fetcher: Fetcher | None, quotas: Quotas
    ) -> None:
        """Without a fetcher nothing is taken from elsewhere."""
        self._session = session
        self._storage = storage
        self._pictures = pictures
        self._fetcher = fetcher
        self._quotas = quotas

    def keep(self, user_id: int, data: bytes, media_type: str = "", field: str = "file") -> OwnFile:
        """Decode the picture and keep it encoded anew; `media_type` is what its sender says, or empty.

        Raises TooLarge, Invalid for `field`, Unavailable, QuotaExceeded.
        """
        self._session.rollback()  # the connection goes back before the long work
        if len(data) > MAX_BYTES:
            raise TooLarge(f"{field}: at most {MAX_BYTES} bytes")
        return self._store(user_id, self._pictures.normalise(data, field, media_type))

    def fetch(self, user_id: int, url: str, field: str) -> OwnFile:
        """The picture at an http or https url, kept as an upload. Raises what `keep` raises."""
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
        save(self._storage, key, picture.data)
        try:
            with writing(self._session):
                self._quotas.refuse_beyond(user_id, upload.bytes)
                self._session.add(upload)
        except (IntegrityError, QuotaExceeded):  # else the row may be there: if not, a worker's sweep finds the file
            discard(self._storage, [key])
            raise
        return upload_file(upload)


def _is_url(text: str) -> bool:
    try:
        return bool(urlsplit(text).scheme)
    except ValueError:
        return "://" in text  # an url that is not valid is one for the fetcher to refuse
