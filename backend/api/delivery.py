"""How a file is asked for and sent: by this process, by nginx on its word, or by the storage to whoever has its link.

Knows nothing of whose file it is.
"""

import hashlib
from typing import IO, Literal
from urllib.parse import quote

from flask import Response, request
from pydantic import BaseModel, Field
from werkzeug.datastructures import Range
from werkzeug.wsgi import wrap_file

from backend.services.files import StoredFile
from backend.wiring import services
from shared.storage import Headers

FOR_GOOD = "max-age=31536000, immutable"


class FileQuery(BaseModel):
    """What else is in the url is nobody's business: pages add a number to get past caches."""

    download: bool = Field(False, description="to be saved by the browser rather than shown")


class SignedQuery(BaseModel):
    """Of a url that may be signed."""

    expires: str | None = Field(None, description="of the signed form of the url, as it was given")
    signature: str | None = Field(None, description="of the signed form of the url, as it was given")


class LinkQuery(FileQuery, SignedQuery):
    """Of a file whose url may be signed."""


def deliver(file: StoredFile, as_attachment: bool, scope: Literal["private", "public"] = "private") -> Response:
    """The file, a part of it, or that the client has it already; a `public` one may lie in anybody's cache.

    Raises NotFound when it has gone.
    """
    disposition = f'{"attachment" if as_attachment else "inline"}; filename="{file.name}"'
    headers = Headers(file.media_type, disposition, f"{scope}, {FOR_GOOD}")
    if request.method == "GET" and (link := services().files.link(file, headers)):  # it is signed for this method alone
        return _sent_elsewhere(link)
    stream = services().files.open(file)
    prefix = services().settings.accel_redirect
    response = _handed_over(file, stream, prefix) if prefix else _streamed(file, stream)
    response.headers["Content-Disposition"] = headers.content_disposition
    response.headers["Cache-Control"] = headers.cache_control
    response.headers["Content-Security-Policy"] = "sandbox"
    return response


def show(data: bytes, media_type: str) -> Response:
    """A picture that will soon be another one: to be asked for each time, though it need not be sent each time."""
    response = Response(data, mimetype=media_type)
    response.set_etag(hashlib.sha256(data).hexdigest()[:32])
    response.headers["Cache-Control"] = "private, no-cache"
    response.headers["Content-Security-Policy"] = "sandbox"
    response.make_conditional(request)
    return response


def _sent_elsewhere(link: str) -> Response:
    """To the storage. A browser may remember that for half of the link's time, and so finds the file in its cache."""
    response = Response(status=302, headers={"Location": link})
    response.headers["Cache-Control"] = f"private, max-age={services().settings.link_minutes * 30}"
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
