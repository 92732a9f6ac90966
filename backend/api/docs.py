"""The contracts' OpenAPI documents and the page that shows them; it needs no network."""

from collections.abc import Mapping, Sequence

from flask import Flask, Response, jsonify, redirect
from flask_swagger_ui import get_swaggerui_blueprint
from werkzeug.wrappers import Response as WerkzeugResponse

from backend import openapi
from backend.api.ops import VERSION
from backend.contract import Api

PAGE = "/docs"


def register(app: Flask, contracts: Mapping[str, Sequence[Api]]) -> None:
    """Serve `/openapi/<name>.json` for each contract, the page, and the way to it from `/`."""

    def document(name: str, apis: Sequence[Api]) -> Response:
        return jsonify(openapi.document(app, apis, f"Darkroom: {name}", VERSION))

    def to_page() -> WerkzeugResponse:
        return redirect(f"{PAGE}/")

    urls = [{"name": name, "url": f"/openapi/{name}.json"} for name in contracts]
    for name, apis in contracts.items():
        app.add_url_rule(f"/openapi/{name}.json", f"openapi_{name}", lambda name=name, apis=apis: document(name, apis))
    app.add_url_rule("/", "home", to_page)
    page = get_swaggerui_blueprint(PAGE, urls[0]["url"], config={"app_name": "Darkroom", "urls": urls})
    app.register_blueprint(page)
