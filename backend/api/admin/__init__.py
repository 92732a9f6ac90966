"""For administrators: v1's envelope under /api/v1/admin, a document of its own."""

from flask import Blueprint

from backend.contract import Api
from backend.dialects.code import CodeDialect

api = Api(Blueprint("admin", __name__, url_prefix="/api/v1/admin"), CodeDialect())
APIS = (api,)

from backend.api.admin import (  # noqa: E402, F401 - the routes register themselves
    queue,
    service,
    tasks,
    users,
    workers,
)
