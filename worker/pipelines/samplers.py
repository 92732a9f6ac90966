"""The catalogue's sampling methods as diffusers schedulers."""

from collections.abc import Mapping
from typing import Any

import diffusers

SCHEDULERS: dict[str, tuple[str, dict[str, Any]]] = {
    "DDIM": ("DDIMScheduler", {}),
    "DPM++ 2M": (
        "DPMSolverMultistepScheduler",
        {"algorithm_type": "dpmsolver++", "use_karras_sigmas": False},
    ),
    "DPM++ 2M Karras": (
        "DPMSolverMultistepScheduler",
        {"algorithm_type": "dpmsolver++", "use_karras_sigmas": True},
    ),
    "Euler": ("EulerDiscreteScheduler", {}),
    "Euler a": ("EulerAncestralDiscreteScheduler", {}),
    "UniPC": ("UniPCMultistepScheduler", {}),
    "LCM": ("LCMScheduler", {}),
    "Flow Euler": ("FlowMatchEulerDiscreteScheduler", {}),
}


# Those that know flows too, and CogVideoX's own one for its own noise schedule.
OF_FLOWS = {"UniPC", "DPM++ 2M", "Flow Euler"}
OF_COGVIDEOX = {"DDIM": "CogVideoXDDIMScheduler"}


def fits(sampling_method: str, config: Mapping[str, Any]) -> bool:
    """Whether a model whose scheduler has this configuration can be sampled so: flow matching has no noise betas.

    Wan's scheduler has them, and matches flows all the same.
    """
    if config.get("use_flow_sigmas"):
        return sampling_method in OF_FLOWS
    if "snr_shift_scale" in config:
        return sampling_method in OF_COGVIDEOX
    return sampling_method.startswith("Flow") is ("beta_schedule" not in config)


def scheduler(sampling_method: str, config: Any) -> Any:
    """A fresh scheduler with the model's own noise schedule (`config`): a scheduler keeps state, so none is shared."""
    name, options = SCHEDULERS[sampling_method]
    if "snr_shift_scale" in config:
        name = OF_COGVIDEOX[sampling_method]
    if sampling_method == "Flow Euler" and "flow_shift" in config:  # the same by another name
        options = {**options, "shift": config["flow_shift"]}
    return getattr(diffusers, name).from_config(config, **options)
