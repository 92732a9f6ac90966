"""The catalogue's sampling methods as diffusers schedulers."""

from typing import Any

import diffusers

SCHEDULERS: dict[str, tuple[str, dict[str, Any]]] = {
    "DDIM": ("DDIMScheduler", {}),
    "DPM++ 2M": ("DPMSolverMultistepScheduler", {"algorithm_type": "dpmsolver++"}),
    "DPM++ 2M Karras": (
        "DPMSolverMultistepScheduler",
        {"algorithm_type": "dpmsolver++", "use_karras_sigmas": True},
    ),
    "Euler": ("EulerDiscreteScheduler", {}),
    "Euler a": ("EulerAncestralDiscreteScheduler", {}),
    "UniPC": ("UniPCMultistepScheduler", {}),
}


def scheduler(sampling_method: str, config: Any) -> Any:
    """A fresh scheduler with the model's own noise schedule (`config`): a scheduler keeps state, so none is shared."""
    name, options = SCHEDULERS[sampling_method]
    return getattr(diffusers, name).from_config(config, **options)
