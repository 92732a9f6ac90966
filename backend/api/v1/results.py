"""The files that tasks made."""

from flask import Response, request
from werkzeug.wsgi import wrap_file

from backend.api.v1 import files
from backend.contract import Caller
from backend.services.accounts import Account
from backend.services.results import Result
from backend.wiring import services
from shared.errors import NotFound

MEDIA_TYPES = ("image/png",)


@files.route("GET", "/<name>", caller=Caller.USER, produces=MEDIA_TYPES, errors=(NotFound,))
def download(user: Account, name: str) -> Response:
    """A result's file, to its owner. Range and If-None-Match are understood."""
    return _response(services().results.open(user.id, name))


def _response(result: Result) -> Response:
    response = Response(wrap_file(request.environ, result.stream), mimetype=result.media_type, direct_passthrough=True)
    response.call_on_close(result.stream.close)
    response.content_length = result.size
    response.set_etag(result.sha256)
    response.headers["Cache-Control"] = "private, max-age=31536000, immutable"
    response.headers["Content-Security-Policy"] = "sandbox"
    response.make_conditional(request, accept_ranges=True, complete_length=result.size)
    return response
