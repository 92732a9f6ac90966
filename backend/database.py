"""The web tier's engine and session: Flask-SQLAlchemy over the plain rows of shared/models."""

from flask import Flask
from flask_sqlalchemy import SQLAlchemy

from shared import db
from shared.models import Base
from shared.settings import Settings

sql = SQLAlchemy(metadata=Base.metadata)


def init_app(app: Flask, settings: Settings) -> None:
    """Give the app its engine, with the habits that the workers' engines have."""
    app.config["SQLALCHEMY_DATABASE_URI"] = settings.database
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = db.engine_options(settings.database, settings.web_threads)
    sql.init_app(app)
    with app.app_context():
        db.configure(sql.engine)
