"""A model in memory: its diffusers pipeline, ready on the device."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import structlog
import torch
from diffusers import DiffusionPipeline
from diffusers.utils import logging as diffusers_logging
from transformers.utils import logging as transformers_logging

from shared.catalog import Model
from worker.errors import KindUnsupported, ModelUnavailable

log = structlog.get_logger(__name__)

BROKEN = (OSError, ValueError, TypeError, KeyError, AttributeError, ImportError, RuntimeError)


@dataclass(frozen=True)
class Loaded:
    """`noise_schedule` is the configuration of the scheduler that came with the model."""

    model: Model
    pipeline: Any
    noise_schedule: Mapping[str, Any]
    _variants: dict[Any, Any] = field(default_factory=dict)

    def variant(self, pipelines: Any) -> Any:
        """The pipeline for another kind of task, from one of diffusers' AutoPipelines; it shares all weights.

        Raises KindUnsupported for a model that has none.
        """
        if pipelines not in self._variants:
            try:
                self._variants[pipelines] = pipelines.from_pipe(self.pipeline)
            except ValueError as error:
                raise KindUnsupported(self.model.id, str(error)) from error
            self._variants[pipelines].set_progress_bar_config(disable=True)
        return self._variants[pipelines]

    @classmethod
    def from_model(cls, model: Model, device: str) -> Self:
        """Read the weights and move them to the device. Raises ModelUnavailable, torch.OutOfMemoryError."""
        dtype = _dtype(device) if model.dtype == "auto" else getattr(torch, model.dtype)
        _quiet()
        try:
            pipeline = DiffusionPipeline.from_pretrained(model.source, revision=model.revision, dtype=dtype)
            pipeline.set_progress_bar_config(disable=True)
            pipeline.to(device)
        except torch.OutOfMemoryError:
            raise
        except BROKEN as error:
            log.error("model_load_failed", model=model.id, exc_info=error)
            raise ModelUnavailable(model.id, type(error).__name__) from error
        schedule = dict(pipeline.scheduler.config)
        if "beta_schedule" not in schedule:
            raise ModelUnavailable(model.id, "its scheduler is not one of diffusion: no sampling method here fits it")
        return cls(model, pipeline, schedule)


def _dtype(device: str) -> torch.dtype:
    return {"cuda": torch.bfloat16, "mps": torch.float16}.get(device, torch.float32)


def _quiet() -> None:
    """The libraries' progress bars and hints are for notebooks."""
    for logging in (diffusers_logging, transformers_logging):
        logging.set_verbosity_error()
        logging.disable_progress_bar()
