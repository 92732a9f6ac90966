"""Users."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from backend.api.fields import NO_NUL, AccountName, Asked, Email, Password, Received, UtcText
from backend.services.administration.users import UserQuery

Role = Literal["user", "admin"]
Cap = Annotated[int, Field(ge=0, le=100_000)]
Quota = Annotated[int, Field(ge=0, le=10**15)]


class UsersQuery(Asked):
    """The filters are joined by "and"."""

    search: Annotated[str, Field(min_length=1, max_length=254), NO_NUL] | None = Field(
        None, description="a part of the name or of the e-mail address"
    )
    role: Role | None = None
    disabled: bool | None = None
    cursor: str | None = Field(None, description="`next_cursor` of the page before, with the same filters")
    limit: int = Field(50, ge=1, le=200)

    def asked(self) -> UserQuery:
        """The same for the service."""
        return UserQuery(**dict(self))


class User(BaseModel):
    """A user. A cap or quota that is null is the one of the settings; 0 is any number."""

    id: int
    account: str
    email: str
    role: Role
    created_at: UtcText
    last_login_at: UtcText | None
    disabled_at: UtcText | None
    queue_cap: int | None = Field(description="of tasks that wait")
    running_cap: int | None = Field(description="of tasks that run")
    quota_bytes: int | None = Field(description="of bytes")
    waiting: int
    running: int
    bytes: int = Field(description="of results, uploads, avatar and trash")


class NewUser(Received):
    account: AccountName
    email: Email
    password: Password
    role: Role = "user"


class UserChange(Received):
    """At least one of these."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1})

    role: Role = "user"
    queue_cap: Cap | None = Field(None, description="null: as the settings say; 0: any number")
    running_cap: Cap | None = Field(None, description="the same")
    quota_bytes: Quota | None = Field(None, description="the same, for bytes")

    @model_validator(mode="after")
    def _not_nothing(self) -> Any:
        if not self.model_fields_set:
            raise PydanticCustomError("nothing_to_change", "nothing to change was given")
        return self


class ErasureConfirmed(Received):
    """The page's form, which has to be meant."""

    confirmed: Literal["yes"]


class FreshPassword(BaseModel):
    """It is shown this once, and serves to log in once and to choose another."""

    password: str
