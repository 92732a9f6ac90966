"""A network of the tiny model whose step takes a set time, however busy the machine is and without making it busier."""

import time
from typing import Any

from diffusers import ModelMixin, UNet2DConditionModel

__all__ = ["ModelMixin", "SlowUNet", "SlowerUNet"]  # diffusers looks for the base in the same module


class SlowUNet(UNet2DConditionModel):
    """For tasks that last a second or so."""

    seconds = 0.05

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        time.sleep(self.seconds)
        return super().forward(*args, **kwargs)


class SlowerUNet(SlowUNet):
    """For measuring what has to happen within one step."""

    seconds = 0.5
