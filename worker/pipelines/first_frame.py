"""AnimateDiff that begins with a given picture, for motion modules that have learnt to go by one."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from diffusers import AnimateDiffPipeline
from PIL import Image


class AnimateDiffFirstFramePipeline(AnimateDiffPipeline):  # type: ignore[misc]
    """Shows the network the picture's own latents, without noise, wherever the first frame is due.

    The first frame is then as good as the autoencoder, and the others follow it; no further weights are needed. The
    adapter's configuration says `takes_first_frame` where it has learnt that.
    """

    def __call__(
        self,
        image: Image.Image,
        prompt: list[str],
        negative_prompt: list[str] | None = None,
        width: int | None = None,
        height: int | None = None,
        num_frames: int = 16,
        num_inference_steps: int = 10,
        guidance_scale: float = 2.5,
        generator: torch.Generator | list[torch.Generator] | None = None,
        output_type: str = "pil",
        callback_on_step_end: Callable[..., dict[str, Any]] | None = None,
    ) -> Any:
        """See AnimateDiffPipeline; `image` is as large as the clip."""
        pixels = self.video_processor.preprocess(image).to(self._execution_device, self.vae.dtype)
        with torch.no_grad():
            latents = self.vae.encode(pixels).latent_dist.mode()
        with self._begun_with(latents * self.vae.config.scaling_factor):
            return super().__call__(
                prompt=prompt,
                negative_prompt=negative_prompt,
                width=width,
                height=height,
                num_frames=num_frames,
                num_inference_steps=num_inference_steps,
                guidance_scale=guidance_scale,
                generator=generator,
                output_type=output_type,
                callback_on_step_end=callback_on_step_end,
            )

    @contextmanager
    def _begun_with(self, first: torch.Tensor) -> Iterator[None]:
        """Within, the network sees these latents, 1 x channels x rows x columns, as each clip's first frame."""

        def shown(_: Any, given: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
            return _with_first(given[0], first), *given[1:]

        self._first = first
        hook = self.unet.register_forward_pre_hook(shown)
        try:
            yield
        finally:
            hook.remove()
            del self._first

    def decode_latents(self, latents: torch.Tensor, *options: int) -> torch.Tensor:
        """Of the first frame the picture's own latents."""
        clip: torch.Tensor = super().decode_latents(_with_first(latents, self._first), *options)
        return clip


def _with_first(latents: torch.Tensor, first: torch.Tensor) -> torch.Tensor:
    """A copy of batch x channels x frames x rows x columns that begins with `first`."""
    begun = latents.clone()
    begun[:, :, 0] = first
    return begun
