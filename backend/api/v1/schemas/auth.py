"""Accounts and tokens."""

from pydantic import BaseModel, Field

from backend.api.fields import AccountName, Email, Password, Received, UtcText
from backend.api.registration import OptionalCaptcha


class Registration(OptionalCaptcha, Received):
    account: AccountName
    email: Email
    password: Password


class Login(Received):
    account: str = Field(min_length=1, max_length=254, description="the account's name or its e-mail address")
    password: str = Field(min_length=1, max_length=128)


class PasswordChange(Received):
    old_password: str = Field(min_length=1, max_length=128)
    new_password: Password


class ForgottenPassword(Received):
    email: Email


class PasswordReset(Received):
    email: Email
    verification_code: str = Field(min_length=1, max_length=64, description="the six digits that were mailed")
    new_password: Password


class EmailChange(Received):
    new_email: Email


class ChangedEmail(BaseModel):
    email: str


class Registered(BaseModel):
    account: str
    email: str
    created_at: UtcText


class LoggedIn(BaseModel):
    account: str
    email: str
    token: str
    token_expire_at: UtcText
