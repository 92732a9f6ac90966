"""The sampling methods by the names that this service gives them, and those that the rest of the world does."""

from collections.abc import Sequence
from typing import Literal, get_args

SamplingMethod = Literal[
    "DDIM",
    "DPM++ 2M",
    "DPM++ 2M Karras",
    "Euler",
    "Euler a",
    "UniPC",
    "LCM",
    "Flow Euler",
]
SAMPLING_METHODS: tuple[str, ...] = get_args(SamplingMethod)

# LCM picks its steps among the fifty that its models were distilled from.
MOST_STEPS = {"LCM": 50}

# As A1111, ComfyUI, InvokeAI, k-diffusion and diffusers write them. A name that means the same method with and without
# flow matching leads to the one that the model has.
ALIASES: dict[str, tuple[str, ...]] = {
    "DDIM": ("ddim", "ddimscheduler"),
    "DPM++ 2M": ("dpmpp_2m", "k_dpmpp_2m", "dpm++_2m", "dpm++2m", "dpmsolver++", "dpmsolvermultistepscheduler"),
    "DPM++ 2M Karras": (
        "dpmpp_2m_karras",
        "dpmpp_2m_k",
        "k_dpmpp_2m_ka",
        "k_dpmpp_2m_karras",
        "dpm++_2m_karras",
        "dpm++2m_karras",
    ),
    "Euler": ("euler", "k_euler", "sample_euler", "eulerdiscretescheduler"),
    "Euler a": ("euler_a", "k_euler_a", "euler_ancestral", "k_euler_ancestral", "eulerancestraldiscretescheduler"),
    "UniPC": ("unipc", "uni_pc", "uni_pc_bh2", "unipcmultistepscheduler"),
    "LCM": ("lcm", "lcmscheduler"),
    "Flow Euler": ("euler", "k_euler", "flow_match", "flowmatch", "flowmatcheulerdiscretescheduler"),
}


def canonical(name: str, methods: Sequence[str]) -> str | None:
    """Which of a model's methods a name means, or None. Case, and what stands between the words, do not matter."""
    asked = _plain(name)
    return next((m for m in methods if asked == _plain(m)), None) or next(
        (m for m in methods if asked in ALIASES[m]), None
    )


def _plain(name: str) -> str:
    return "_".join(name.casefold().replace("-", " ").replace("_", " ").split())
