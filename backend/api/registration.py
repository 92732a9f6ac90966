"""What every contract's registration takes beside its own fields."""

from pydantic import BaseModel, Field

from backend.services.captchas import Answer


class OptionalCaptcha(BaseModel):
    """A captcha's id and reading, which matter only where the service asks every registration for them."""

    captcha_id: str | None = Field(None, alias="captchaId", max_length=64)
    value: str | None = Field(None, max_length=64, description="what the captcha's picture shows")

    @property
    def captcha(self) -> Answer | None:
        return Answer(self.captcha_id, self.value) if self.captcha_id and self.value else None
