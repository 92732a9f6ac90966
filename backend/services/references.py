"""The reference images of a request: file_ids, urls of this service, and pictures elsewhere on the web."""

from collections.abc import Sequence

from sqlalchemy import update
from sqlalchemy.orm import Session

from backend.services.files import Files, OwnFile
from backend.services.uploads import Uploads
from shared.clock import now
from shared.errors import Invalid, NotFound
from shared.models import Upload

FIELD = "images"


class References:
    """Finds what a user refers to, and keeps uploads that are used from being removed."""

    def __init__(self, session: Session, files: Files, uploads: Uploads) -> None:
        self._session = session
        self._files = files
        self._uploads = uploads

    def resolve(self, user_id: int, texts: Sequence[str]) -> list[tuple[str, OwnFile]]:
        """Each text and its picture; one from elsewhere is fetched and becomes an upload. Raises Invalid."""
        return [(text, self._picture(user_id, number, text)) for number, text in enumerate(texts)]

    def use(self, files: Sequence[OwnFile]) -> None:
        """Part of the caller's transaction: from now on these uploads stay. Raises Invalid for one that has gone."""
        for number, file in sorted(enumerate(files), key=lambda entry: entry[1].upload_id or 0):  # never crosswise
            used = update(Upload).where(Upload.id == file.upload_id).values(used_at=now())
            if file.upload_id and self._session.execute(used).rowcount != 1:  # type: ignore[attr-defined]
                raise Invalid.of(f"{FIELD}.{number}", "image_unknown")

    def _picture(self, user_id: int, number: int, text: str) -> OwnFile:
        field = f"{FIELD}.{number}"
        try:
            file = self._files.refer(user_id, text) or self._uploads.fetch(user_id, text, field)
        except NotFound as error:
            raise Invalid.of(field, "image_unknown") from error
        if not file.media_type.startswith("image/"):
            raise Invalid.of(field, "not_an_image")
        return file
