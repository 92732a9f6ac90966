"""The canonical contract: `{code, message, data}` under /api/v1, and the files that its tasks made."""

from flask import Blueprint

from backend.contract import Api
from backend.dialects.code import CodeDialect

api = Api(Blueprint("v1", __name__, url_prefix="/api/v1"), CodeDialect())
files = Api(Blueprint("files", __name__, url_prefix="/generated_outputs"), CodeDialect())
APIS = (api, files)

from backend.api.v1 import (  # noqa: E402, F401 - the routes register themselves
    account,
    auth,
    events,
    favorites,
    generation,
    history,
    models,
    previews,
    prompts,
    provider_keys,
    results,
    trash,
    uploads,
)
