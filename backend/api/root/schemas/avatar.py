"""Avatars that lie elsewhere."""

from typing import Annotated

from pydantic import Field, RootModel

from backend.api.fields import NO_NUL, Received


class AvatarChange(Received):
    url: Annotated[str, Field(min_length=1, max_length=2048, pattern="^https?://"), NO_NUL]
    token: str | None = Field(None, max_length=4096, description="documented; the one in the header counts")


class Avatar(RootModel[str | None]):
    """The avatar's url."""
