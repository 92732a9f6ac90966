"""Users' own facts, passwords and mailed codes."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from backend.api.fields import Email, Password, Received, UtcText
from backend.services.codes import Purpose

NAMES = ("username", "email")

Code = Annotated[str, Field(min_length=1, max_length=64, description="the six digits that were mailed")]
CodeType = Annotated[Purpose, Field(strict=False)]


class Named(Received):
    """Whose code it is: by exactly one of the two."""

    model_config = ConfigDict(json_schema_extra={"oneOf": [{"required": [name]} for name in NAMES]})

    username: str = Field(default_factory=str, min_length=1, max_length=64, description="an account's name")
    email: Email = Field(default_factory=str)

    @model_validator(mode="before")
    @classmethod
    def _one_of_the_two(cls, data: Any) -> Any:
        if isinstance(data, dict) and len(data.keys() & set(NAMES)) != 1:
            raise PydanticCustomError("exactly_one", "needs exactly one of {fields}", {"fields": ", ".join(NAMES)})
        return data


class CodeRequest(Named):
    code_type: CodeType


class CodeToCheck(CodeRequest):
    code: Code


class PasswordReset(Named):
    code: Code
    new_password: Password


class PasswordChange(Received):
    old_password: str = Field(min_length=1, max_length=128)
    new_password: Password


class Profile(BaseModel):
    id: int
    username: str
    email: str
    avatar_url: str | None = Field(serialization_alias="avatarUrl")
    last_login: UtcText | None
    created_at: UtcText
