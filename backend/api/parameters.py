"""What every contract that generates takes as parameters."""

from typing import Annotated, Literal

from pydantic import Field, StrictInt

from backend.api.fields import NO_NUL, Number, Received, Seed
from shared.generation import OutputFormat

MAX_LORAS = 8


class RequestedLora(Received):
    """One of the LoRAs that the model has; without a weight it gets its usual one."""

    name: Annotated[str, Field(min_length=1, max_length=64)]
    weight: Annotated[float, Field(allow_inf_nan=False)] | None = None


class RequestedParameters(Received):
    """All optional: the chosen model has limits and defaults for each."""

    model: str | None = Field(None, max_length=128)
    provider: str | None = Field(
        None, min_length=1, max_length=100, description="the name of one of the caller's API keys: it makes the picture"
    )
    width: StrictInt | None = None
    height: StrictInt | None = None
    steps: StrictInt | None = None
    seed: Seed | None = None
    guidance_scale: Annotated[Number, Field(allow_inf_nan=False)] | None = None
    negative_prompt: Annotated[str, Field(max_length=2000), NO_NUL] | None = None
    sampling_method: str | None = Field(None, max_length=64)
    strength: Annotated[Number, Field(allow_inf_nan=False)] | None = None
    num_images: StrictInt | None = None
    num_frames: StrictInt | None = None
    fps: StrictInt | None = None
    priority: Literal["high", "normal", "low"] | None = Field(
        None, description="normal unless given; low lets others go first, high is for administrators"
    )
    output_format: OutputFormat | None = Field(None, description="png unless given")
    reproducible: bool | None = Field(
        None, description="compute it alone, so that the same request gives the same bytes on the same device"
    )
    loras: Annotated[list[RequestedLora], Field(max_length=MAX_LORAS)] | None = None
