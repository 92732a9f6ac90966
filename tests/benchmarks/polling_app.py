"""The service, and beside it under `/bare` a Flask application that only writes JSON; for gunicorn."""

from flask import Flask
from flask.typing import ResponseReturnValue
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from backend import create_app
from shared import settings

bare = Flask("bare")


@bare.get("/")
def hello() -> ResponseReturnValue:
    return {"code": 200, "message": "OK", "data": {"task_id": "task_1", "status": "processing"}}


service = create_app(settings.load())
app = DispatcherMiddleware(service, {"/bare": bare})
app.extensions = service.extensions  # type: ignore[attr-defined] # gunicorn's configuration looks for them
