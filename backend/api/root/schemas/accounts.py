"""Accounts, as gin, user and captcha share them."""

from pydantic import BaseModel, Field

from backend.api.fields import AccountName, Email, Password, Received
from backend.api.registration import OptionalCaptcha


class Registration(OptionalCaptcha, Received):
    email: Email
    username: AccountName
    password: Password


class Login(Received):
    username: str = Field(min_length=1, max_length=254, description="the account's name or its e-mail address")
    password: str = Field(min_length=1, max_length=128)


class User(BaseModel):
    id: int
    username: str = Field(validation_alias="account")
    email: str
    avatar_url: str | None = Field(validation_alias="avatar_url", serialization_alias="avatarUrl")


class LoggedIn(BaseModel):
    token: str
    user: User


class SignUp(Received):
    username: AccountName
    password: Password
    email: Email
    captcha_id: str = Field(alias="captchaId", min_length=1, max_length=64)
    value: str = Field(min_length=1, max_length=64, description="what the captcha's picture shows")


class SignedUp(BaseModel):
    message: str
    session_token: str


class FreshCaptcha(BaseModel):
    captcha_id: str = Field(serialization_alias="captchaId")
