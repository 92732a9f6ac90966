"""What gunicorn serves."""

from backend import create_app
from shared import log, settings
from shared.storage import warn_if_away

configured = settings.load()
log.configure(configured)
app = create_app(configured)
warn_if_away(app.extensions["darkroom"].storage)
