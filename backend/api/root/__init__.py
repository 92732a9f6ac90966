"""The contracts at the root, which share paths: gin's and user's `{code, msg, data, error}`, captcha's bare fields."""

from flask import Blueprint

from backend.contract import Api
from backend.dialects.root import CaptchaDialect, GinDialect, LoginDialect

login = Api(Blueprint("root_login", __name__), LoginDialect(), prefixes=("/login",))
registration = Api(Blueprint("root_register", __name__), GinDialect(), prefixes=("/register",))
gin = Api(Blueprint("gin", __name__), GinDialect(), prefixes=("/auth",))
user = Api(
    Blueprint("user", __name__), GinDialect(), prefixes=("/logout", "/profile", "/update-password", "/me", "/apis")
)
captcha = Api(Blueprint("captcha", __name__), CaptchaDialect(), prefixes=("/captcha", "/signup"))
APIS = (login, registration, gin, user, captcha)
DOCUMENTS = {
    "gin": (registration, login, gin),
    "user": (registration, login, user),
    "captcha": (login, captcha),
}

from backend.api.root import accounts, avatar, captchas, generation, users  # noqa: E402, F401 - the routes register themselves
