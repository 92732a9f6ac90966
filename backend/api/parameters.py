"""What every contract that generates takes as parameters."""

from typing import Annotated

from pydantic import Field, StrictInt

from backend.api.fields import NO_NUL, Number, Received, Seed


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
