"""Uploaded pictures."""

from pydantic import BaseModel


class Uploaded(BaseModel):
    """The picture as it was kept: upright, without metadata. `signed_url` works for a while without a token."""

    file_id: str
    file_url: str
    signed_url: str
    width: int
    height: int
    media_type: str
    bytes: int
