"""The image contract: `{status, message, data}` under /api/auth, /api/uploads and /api/v1/images."""

from flask import Blueprint

from backend.contract import Api
from backend.dialects.image import StatusDialect

api = Api(Blueprint("image", __name__), StatusDialect(), prefixes=("/api/auth", "/api/uploads", "/api/v1/images"))
APIS = (api,)

from backend.api.image import auth, avatars, images  # noqa: E402, F401 - the routes register themselves
