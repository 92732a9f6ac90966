"""The web tier: HTTP in, rows and hints out. Never imports torch, diffusers or the worker."""

from flask import Flask, Response
from flask_cors import CORS
from sqlalchemy.exc import InterfaceError, OperationalError, TimeoutError
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.wrappers import Response as WerkzeugResponse

from backend import auth, contract, database, limiting, metrics, pages, tracing
from backend.api import admin, docs, image, ops, root, v1
from backend.resources import Resources
from shared.errors import Unavailable
from shared.settings import Settings

MAX_BODY_BYTES = 1024 * 1024


def create_app(settings: Settings, resources: Resources | None = None) -> Flask:
    """The application; `resources` replaces the real queue, storage and the like in tests."""
    app = Flask(__name__, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES
    app.json.ensure_ascii = False  # type: ignore[attr-defined]
    app.json.sort_keys = False  # type: ignore[attr-defined]
    metrics.init_app(app)
    tracing.init_app(app)
    database.init_app(app, settings)
    auth.init_app(app, settings)
    limiting.init_app(app, settings)
    app.extensions["darkroom"] = resources or Resources.of(settings)

    apis = (*v1.APIS, *admin.APIS, *image.APIS, *root.APIS, *ops.APIS)
    contract.register(app, *apis)
    docs.register(app, {"v1": v1.APIS, "image": image.APIS, **root.DOCUMENTS, "admin": admin.APIS})
    pages.register(app)
    if proxies := settings.trusted_proxies:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=proxies, x_proto=proxies)  # type: ignore[method-assign]
    if settings.cors_origins:
        CORS(app, origins=list(settings.cors_origins))
    for away in (OperationalError, InterfaceError, TimeoutError):
        app.register_error_handler(away, lambda error: _database_away(app, error))
    app.after_request(_harden)
    return app


def _database_away(app: Flask, error: Exception) -> contract.Reply:
    app.logger.error("database_error", exc_info=error)
    return contract.owner(app).fail(Unavailable("the database does not answer"))


def _harden(response: Response | WerkzeugResponse) -> Response | WerkzeugResponse:
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    response.headers.setdefault("Referrer-Policy", "same-origin")
    return response
