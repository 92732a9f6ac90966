"""LoRAs on top of a model, for as long as the tasks that asked for them run."""

import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import structlog

from shared.catalog import Model
from worker.errors import LoraUnavailable
from worker.faults import is_of_device

log = structlog.get_logger(__name__)

BROKEN = (OSError, ValueError, TypeError, KeyError, AttributeError, ImportError, RuntimeError)
TAKES_LORAS = "load_lora_weights"


@contextmanager
def applied(model: Model, pipeline: Any, asked: Sequence[Mapping[str, Any]] | None) -> Iterator[None]:
    """Within, the pipeline's weights have these LoRAs on them. Raises LoraUnavailable, and what the device says.

    They are taken off completely afterwards, whatever happens in between: no other task may see them.
    """
    if not asked:
        yield
        return
    if not hasattr(pipeline, TAKES_LORAS):
        raise LoraUnavailable(model.id, f"{type(pipeline).__name__} takes none")
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Already found a `peft_config`")  # the second one is meant
            _put_on(model, pipeline, asked)
        yield
    finally:
        pipeline.unload_lora_weights()


def _put_on(model: Model, pipeline: Any, asked: Sequence[Mapping[str, Any]]) -> None:
    known = {lora.name: lora for lora in model.loras}
    for each in asked:
        if each["name"] not in known:
            raise LoraUnavailable(model.id, f"{each['name']} is not in the catalogue")
        lora = known[each["name"]]
        try:
            pipeline.load_lora_weights(lora.source, weight_name=lora.file, adapter_name=lora.name)
        except BROKEN as error:
            if is_of_device(error):
                raise
            log.error("lora_load_failed", model=model.id, lora=lora.name, error=f"{type(error).__name__}: {error}")
            raise LoraUnavailable(model.id, f"{lora.name}: {type(error).__name__}") from error
    try:
        pipeline.set_adapters([each["name"] for each in asked], [each["weight"] for each in asked])
    except BROKEN as error:
        if is_of_device(error):
            raise
        raise LoraUnavailable(model.id, f"does not take these LoRAs: {type(error).__name__}") from error
