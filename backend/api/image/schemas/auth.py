"""Accounts and tokens."""

from io import SEEK_END
from typing import Annotated

from pydantic import BeforeValidator, ConfigDict, Field, WithJsonSchema
from werkzeug.datastructures import FileStorage

from backend.api.fields import Asked, Email, Received, UtcText
from backend.api.image.schemas import Given
from backend.api.registration import OptionalCaptcha
from backend.services.avatars import MAX_BYTES, Sent


def _chosen(value: object) -> object:
    """A form sends a part without name and content where no file was chosen, a script an empty text."""
    if isinstance(value, FileStorage):
        return value if value.filename or value.stream.seek(0, SEEK_END) else None
    return None if value == "" else value


Picture = Annotated[FileStorage, WithJsonSchema({"type": "string", "format": "binary"})]


class Registration(OptionalCaptcha, Asked):
    """The fields of a form are text, but for the picture."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    username: str = Field(min_length=3, max_length=20)
    email: Email
    password: str = Field(min_length=6, max_length=20)
    avatar: Annotated[Picture | None, BeforeValidator(_chosen)] = None

    @property
    def sent_avatar(self) -> Sent | None:
        if self.avatar is None:
            return None
        self.avatar.stream.seek(0)
        return Sent(self.avatar.stream.read(MAX_BYTES + 1), self.avatar.mimetype, "avatar")


class Registered(Given):
    avatar_url: str | None


class Login(Received):
    username: str = Field(min_length=1, max_length=254, description="the account's name or its e-mail address")
    password: str = Field(min_length=1, max_length=128)


class User(Given):
    username: str = Field(validation_alias="account")
    email: str
    avatar_url: str | None


class LoggedIn(Given):
    token: str
    user: User


class Profile(User):
    """`created_at` is the only name that the document writes with an underscore."""

    id: int
    created_at: UtcText = Field(serialization_alias="created_at")
