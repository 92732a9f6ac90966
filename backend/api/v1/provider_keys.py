"""Provider keys."""

from backend.api import apis
from backend.api.v1 import api

apis.mount(api, "/user/apis")
