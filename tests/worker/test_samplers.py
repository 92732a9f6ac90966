"""Which diffusers scheduler a sampling method is, for each kind of task; and that no two tasks share one."""

from typing import Any

import pytest

from shared.claims import Claim
from shared.generation import Kind
from shared.storage import LocalStorage
from tests.worker.families import OF_DIFFUSION, from_picture, make, order
from tests.worker.videos import T2V
from tests.worker.videos import make as make_clips
from tests.worker.videos import order as clip_order
from worker.engine import Engine

METHODS = {
    "DDIM": "DDIMScheduler",
    "DPM++ 2M": "DPMSolverMultistepScheduler",
    "DPM++ 2M Karras": "DPMSolverMultistepScheduler",
    "Euler": "EulerDiscreteScheduler",
    "Euler a": "EulerAncestralDiscreteScheduler",
    "UniPC": "UniPCMultistepScheduler",
    "LCM": "LCMScheduler",
}


def used(engine: Engine, claim: Claim) -> Any:
    """The scheduler that this task was made with."""
    make(engine, claim)
    loaded = engine._residency.find(claim.parameters.model)
    assert loaded is not None
    return loaded.pipeline_for(claim.kind).scheduler


def test_every_method_is_known_here() -> None:
    assert set(METHODS) == set(OF_DIFFUSION)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("name", "kind"), [("sdxl", Kind.TEXT_TO_IMAGE), ("sd15", Kind.IMAGE_TO_IMAGE)])
def test_a_sampling_method_is_its_scheduler_in_each_kind(
    family_engine: Engine, family_files: LocalStorage, name: str, kind: Kind, method: str
) -> None:
    claim = order(name, sampling_method=method)

    scheduler = used(family_engine, from_picture(claim, "red", family_files) if kind.takes_images else claim)

    assert type(scheduler).__name__ == METHODS[method]
    assert scheduler.config.get("use_karras_sigmas", False) is method.endswith("Karras")


@pytest.mark.parametrize(
    ("name", "method", "scheduler"),
    [
        ("wan", "UniPC", "UniPCMultistepScheduler"),
        ("wan", "DPM++ 2M", "DPMSolverMultistepScheduler"),
        ("wan", "Flow Euler", "FlowMatchEulerDiscreteScheduler"),
        ("cogvideox", "DDIM", "CogVideoXDDIMScheduler"),
    ],
)
def test_a_method_of_clips_is_its_scheduler_too(video_engine: Engine, name: str, method: str, scheduler: str) -> None:
    make_clips(video_engine, clip_order(name, T2V, sampling_method=method))

    loaded = video_engine._residency.find(name)
    assert loaded is not None
    assert type(loaded.pipeline_for(T2V).scheduler).__name__ == scheduler


def test_no_two_tasks_share_a_scheduler(family_engine: Engine) -> None:
    first, second = used(family_engine, order("sd15")), used(family_engine, order("sd15"))

    assert type(first) is type(second)
    assert first is not second
