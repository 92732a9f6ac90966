"""How a file is asked for and sent: by this process, or by nginx on its word. Knows nothing of whose file it is."""

from typing import IO, Literal
from urllib.parse import quote

from flask import Response, request
from pydantic import BaseModel, Field
from werkzeug.datastructures import Range
from werkzeug.wsgi import wrap_file

from backend.services.files import StoredFile
from backend.wiring import services

FOR_GOOD = "max-age=31536000, immutable"


class FileQuery(BaseModel):
    """What else is in the url is nobody's business: pages add a number to get past caches."""

    download: bool = Field(False, description="to be saved by the browser rather than shown")


class LinkQuery(FileQuery):
    expires: str | None = Field(None, description="of the signed form of the url, as it was given")
    signature: str | None = Field(None, description="of the signed form of the url, as it was given")


def deliver(file: StoredFile, as_attachment: bool, scope: Literal["private", "public"] = "private") -> Response:
    """The file, a part of it, or that the client has it already; a `public` one may lie in anybody's cache.

    Raises NotFound when it has gone.
    """
    stream = services().files.open(file)
    prefix = services().settings.accel_redirect
    response = _handed_over(file, stream, prefix) if prefix else _streamed(file, stream)
    disposition = "attachment" if as_attachment else "inline"
    response.headers["Content-Disposition"] = f'{disposition}; filename="{file.name}"'
    response.headers["Cache-Control"] = f"{scope}, {FOR_GOOD}"
    response.headers["Content-Security-Policy"] = "sandbox"
    return response


def _streamed(file: StoredFile, stream: IO[bytes]) -> Response:
    response = Response(wrap_file(request.environ, stream), mimetype=file.media_type, direct_passthrough=True)
    response.call_on_close(stream.close)
    response.content_length = file.size
    response.set_etag(file.sha256)
    try:
        response.make_conditional(request, accept_ranges=_one_part(request.range, file.size), complete_length=file.size)
    except BaseException:
        stream.close()
        raise
    response.accept_ranges = "bytes"
    return response


def _handed_over(file: StoredFile, stream: IO[bytes], prefix: str) -> Response:
    """Headers only, unless nothing is to be sent; parts are nginx's business."""
    stream.close()  # it is there, and that was the question
    response = Response(mimetype=file.media_type)
    response.set_etag(file.sha256)
    response.make_conditional(request)
    if response.status_code == 200:
        response.headers["X-Accel-Redirect"] = prefix + quote(file.key)
    return response


def _one_part(asked: Range | None, size: int) -> bool:
    """Whether a part is sent: several, other units than bytes, and more than all are answered with the whole file."""
    return asked is not None and asked.units == "bytes" and len(asked.ranges) == 1 and asked.ranges[0][0] >= -size
