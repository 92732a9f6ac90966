"""What entries of the catalogue promise and their models cannot keep, told when a worker starts.

Of a model that has never been downloaded the hub is asked for the few kilobytes that say what it is.
"""

import logging
from collections.abc import Collection, Sequence
from contextlib import suppress
from pathlib import Path
from threading import Thread

import diffusers
import structlog
from huggingface_hub import hf_hub_download, try_to_load_from_cache
from huggingface_hub.errors import (
    EntryNotFoundError,
    LocalEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from shared.catalog import Catalog, Model
from shared.generation import Kind
from shared.kinds import described, lacking
from worker.pipelines.families import ignores_strength
from worker.pipelines.loras import TAKES_LORAS
from worker.pipelines.samplers import fits

log = structlog.get_logger(__name__)

INDEX, SCHEDULE = "model_index.json", "scheduler/scheduler_config.json"
BELIEVED = "nothing of it is here, and the hub cannot be asked; its entry is believed"
# The last one: it is not even a name.
NOT_THERE = (EntryNotFoundError, RepositoryNotFoundError, RevisionNotFoundError, ValueError)


def tell_contradictions(catalog: Catalog) -> None:
    """Logs them: at once where the models' files are here, and of those on the hub from the thread that asks it."""
    for id, kinds in catalog.lacking.items():
        _tell(id, _does_not_make(kinds))
    elsewhere = []
    for model in catalog.models.values():
        if (folder := _folder(model)) or model.single_file:
            _compare(model, folder or model.described_in)
        else:
            elsewhere.append(model)
    if elsewhere:
        Thread(target=_ask_hub, args=(elsewhere,), name="hub", daemon=True).start()


def _ask_hub(models: Sequence[Model]) -> None:
    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)  # it would tell of every try
    for model in models:
        try:
            _compare(model, _fetched(model))
        except LocalEntryNotFoundError:
            log.warning("model_unknown", model=model.id, problem=BELIEVED)
        except NOT_THERE:
            _tell(model.id, f"{model.source} is no folder here, and no model of diffusers on the hub that may be read")
        except Exception as error:  # the edge of this thread: there are others to ask for
            log.warning("model_unknown", model=model.id, problem=str(error))


def _fetched(model: Model) -> Path:
    """The folder in the hub's cache that says what the model is. Raises OSError, EntryNotFoundError, ValueError."""
    index = hf_hub_download(model.source, INDEX, revision=model.revision)
    with suppress(EntryNotFoundError):
        hf_hub_download(model.source, SCHEDULE, revision=model.revision)
    return Path(index).parent


def _folder(model: Model) -> Path | None:
    """Where on this machine it says what the model is, if anywhere; of the hub's models once they were downloaded."""
    if model.described_in.exists():
        return model.described_in
    with suppress(ValueError):  # what is no hub id either
        kept = try_to_load_from_cache(model.source, INDEX, revision=model.revision)
        return Path(kept).parent if isinstance(kept, str) else None
    return None


def _compare(model: Model, folder: Path) -> None:
    index, schedule = described(folder / INDEX), described(folder / SCHEDULE)
    came_with = model.pipeline or str(index.get("_class_name"))
    if lacks := lacking(model.kinds, folder, model.pipeline, model.motion_adapter):
        _tell(model.id, _does_not_make(lacks))
    if Kind.IMAGE_TO_IMAGE in model.kinds and model.strength and ignores_strength(came_with, index):
        _tell(model.id, f"{came_with} takes no strength")
    if model.loras and hasattr(diffusers, came_with) and not hasattr(getattr(diffusers, came_with), TAKES_LORAS):
        _tell(model.id, f"{came_with} takes no LoRAs")
    if schedule and (unfit := [method for method in model.sampling_methods if not fits(method, schedule)]):
        _tell(model.id, f"{schedule.get('_class_name')} does not go with {', '.join(unfit)}")


def _does_not_make(kinds: Collection[Kind]) -> str:
    return f"its class does not make {', '.join(sorted(kinds))}"


def _tell(id: str, problem: str) -> None:
    log.error("model_misdescribed", model=id, problem=problem)
