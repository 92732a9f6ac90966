"""What gunicorn serves."""

from backend import create_app
from shared import log, settings

configured = settings.load()
log.configure(configured)
app = create_app(configured)
