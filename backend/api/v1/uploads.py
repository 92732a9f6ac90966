"""Pictures that users bring, as references for their tasks."""

from backend.api.v1 import api
from backend.api.v1.schemas.uploads import Uploaded
from backend.contract import Caller
from backend.reading import File
from backend.services.accounts import Account
from backend.services.pictures import FORMATS
from backend.services.uploads import MAX_BYTES
from backend.wiring import services
from shared.errors import QuotaExceeded

ENVELOPE_BYTES = 64 * 1024  # what a form has around its file


@api.route(
    "POST",
    "/upload",
    caller=Caller.USER,
    file=tuple(FORMATS),
    max_bytes=MAX_BYTES + ENVELOPE_BYTES,
    returns=Uploaded,
    message="uploaded",
    errors=(QuotaExceeded,),
)
def upload(user: Account, file: File) -> Uploaded:
    """Keep a picture, sent as the body or as the one file of a form."""
    kept = services().uploads.keep(user.id, file.data, file.media_type)
    return Uploaded(
        file_id=kept.stem,
        file_url=kept.url,
        signed_url=f"{kept.url}?{services().links.sign(kept.name)}",
        width=kept.width,
        height=kept.height,
        media_type=kept.media_type,
        bytes=kept.size,
    )
