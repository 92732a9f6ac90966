"""Where the page is."""

from flask import Blueprint

page = Blueprint("admin_page", __name__, url_prefix="/admin", static_folder="static")
