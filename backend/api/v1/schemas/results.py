"""How a file is asked for."""

from pydantic import BaseModel, Field


class FileQuery(BaseModel):
    """What else is in the url is nobody's business: pages add a number to get past caches."""

    download: bool = Field(False, description="to be saved by the browser rather than shown")
    expires: str | None = Field(None, description="of the signed form of the url, as it was given")
    signature: str | None = Field(None, description="of the signed form of the url, as it was given")
