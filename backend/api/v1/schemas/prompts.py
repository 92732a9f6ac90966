"""Better prompts."""

from typing import Literal

from pydantic import BaseModel, Field

from backend.api.fields import Prompt, Received
from backend.api.provider_keys import ApiName


class PromptToEnhance(Received):
    prompt: Prompt
    api_name: ApiName | None = Field(None, description="one of the caller's provider keys; the first one if not given")
    language: Literal["zh", "en"] | None = Field(None, description="of the answer; the prompt's own if not given")


class EnhancedPrompt(BaseModel):
    prompt: str
    original: str
    api_name: str
