"""Which of diffusers' pipeline classes makes which kind of task, by the class that a model came with."""

import inspect
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from diffusers import (
    AnimateDiffPipeline,
    CogVideoXImageToVideoPipeline,
    CogVideoXPipeline,
    HunyuanVideoPipeline,
    LTXConditionPipeline,
    MochiPipeline,
    WanImageToVideoPipeline,
    WanPipeline,
)
from diffusers.pipelines import auto_pipeline

from shared.generation import Kind
from shared.kinds import FOR_BOTH
from worker.pipelines.first_frame import AnimateDiffFirstFramePipeline

# Classes under one name work on the same weights. diffusers' own tables know few of the video classes.
CLASSES: dict[Kind, Mapping[str, Any]] = {
    Kind.TEXT_TO_IMAGE: auto_pipeline.AUTO_TEXT2IMAGE_PIPELINES_MAPPING,
    Kind.IMAGE_TO_IMAGE: auto_pipeline.AUTO_IMAGE2IMAGE_PIPELINES_MAPPING,
    Kind.TEXT_TO_VIDEO: {
        **auto_pipeline.AUTO_TEXT2VIDEO_PIPELINES_MAPPING,
        "animatediff": AnimateDiffPipeline,
        "cogvideox": CogVideoXPipeline,
        "hunyuan-video": HunyuanVideoPipeline,
        "ltx-condition": LTXConditionPipeline,
        "mochi": MochiPipeline,
    },
    Kind.IMAGE_TO_VIDEO: {
        **auto_pipeline.AUTO_IMAGE2VIDEO_PIPELINES_MAPPING,
        "cogvideox-i2v": CogVideoXImageToVideoPipeline,
        "ltx-condition": LTXConditionPipeline,
    },
}
# What makes these kinds from weights that say of themselves that they are for both.
BOTH: dict[Kind, Mapping[str, Any]] = {
    Kind.TEXT_TO_VIDEO: {"wan": WanPipeline, "animatediff": AnimateDiffPipeline},
    Kind.IMAGE_TO_VIDEO: {"wan": WanImageToVideoPipeline, "animatediff": AnimateDiffFirstFramePipeline},
}


def class_for(came_with: str, kind: Kind, config: Mapping[str, Any] = MappingProxyType({})) -> Any:
    """The class that makes this kind from the weights of a model whose own class has this name, or None.

    `config` is what else the model's index says.
    """
    tables = CLASSES | BOTH if config.get(FOR_BOTH.get(came_with, "")) else CLASSES
    for classes in tables.values():
        for family, known in classes.items():
            if known.__name__ == came_with and family in tables[kind]:
                return tables[kind][family]
    return None


def ignores_strength(came_with: str, config: Mapping[str, Any] = MappingProxyType({})) -> bool:
    """Whether what makes pictures from a reference cannot be told how much of it may change."""
    made_by = class_for(came_with, Kind.IMAGE_TO_IMAGE, config)
    return made_by is not None and "strength" not in inspect.signature(made_by.__call__).parameters


def marks_its_calls(pipeline: Any) -> bool:
    """Whether the pipeline tells its network which of a step's calls is which, as caches between steps need it."""
    code = inspect.unwrap(type(pipeline).__call__).__code__
    return "cache_context" in code.co_names
