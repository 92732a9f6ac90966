"""Provider keys as they come and as they are told; the key itself only comes."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError

from backend.api.fields import NAMED, NO_NUL, Received, UtcText


def _no_dots(value: str) -> str:
    """A name is also the end of a path."""
    if value in {".", ".."}:
        raise PydanticCustomError("bad_name", "must be a name")
    return value


def _text(value: str) -> str:
    if value != value.strip():
        raise PydanticCustomError("blank", "must have text in it and no spaces at its ends")
    return value


ApiName = Annotated[str, Field(min_length=1, max_length=100), NAMED, AfterValidator(_no_dots)]
ApiKey = Annotated[str, Field(min_length=8, max_length=500, pattern=r"^[!-~]+$", json_schema_extra={"writeOnly": True})]
ModelName = Annotated[str, Field(min_length=1, max_length=100), NO_NUL, AfterValidator(_text)]
BaseUrl = Annotated[str, Field(max_length=500, pattern=r"^[Hh][Tt][Tt][Pp][Ss]?://[^\s\x00-\x1f]+$")]


class NewApi(Received):
    """A key for whatever speaks OpenAI's API at `base_url`."""

    api_name: ApiName
    api_key: ApiKey
    model_name: ModelName
    base_url: BaseUrl = Field(description="such as https://api.deepseek.com/v1; a public machine")


class ApiChange(Received):
    """At least one of these."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1})

    api_name: ApiName = Field(default_factory=str)
    api_key: ApiKey = Field(default_factory=str)
    model_name: ModelName = Field(default_factory=str)
    base_url: BaseUrl = Field(default_factory=str)


class Api(BaseModel):
    """What is told of a key: its last four characters, never more."""

    id: int
    api_name: str
    model_name: str
    base_url: str
    key_last_four: str
    created_at: UtcText
    updated_at: UtcText
