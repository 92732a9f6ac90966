"""Models in a single file of weights, without a hub."""

import shutil
from pathlib import Path

import pytest
from diffusers import DiffusionPipeline
from safetensors.torch import save_file

from shared.catalog import Catalog, InvalidCatalog
from shared.storage import LocalStorage
from tests.fakes.ldm_checkpoint import save_checkpoint
from tests.orders import claim_of
from tests.worker.families import difference, entry, make, order, told_at_the_start
from worker.engine import Engine
from worker.errors import ModelUnavailable

NAME = "z-image"
AS_PUBLISHED = {"all_x_embedder.2-1.": "x_embedder.", "all_final_layer.2-1.": "final_layer."}


@pytest.fixture
def folder(families: Path, tmp_path: Path) -> Path:
    """A network's weights in a single file and, beside it, a folder that has the rest."""
    network = DiffusionPipeline.from_pretrained(families / NAME).transformer
    tensors = {_published(name): tensor.contiguous() for name, tensor in network.state_dict().items()}
    save_file(tensors, tmp_path / "weights.safetensors")
    shutil.copytree(families / NAME, tmp_path / "config")
    (tmp_path / "config" / "transformer" / "diffusion_pytorch_model.safetensors").unlink()
    others = 'pipeline = "ZImagePipeline"\nconfig = "config"'
    (tmp_path / "models.toml").write_text(entry(NAME, source="weights.safetensors", others=others))
    return tmp_path


def _published(name: str) -> str:
    for ours, theirs in AS_PUBLISHED.items():
        name = name.replace(ours, theirs)
    return f"model.diffusion_model.{name}"


def engine_of(folder: Path) -> Engine:
    return Engine(Catalog.read(folder / "models.toml"), LocalStorage(folder), "cpu")


def test_a_single_file_makes_the_pictures_of_the_folder(folder: Path, family_engine: Engine) -> None:
    [of_file], [of_folder] = make(engine_of(folder), order(NAME)), make(family_engine, order(NAME))

    assert told_at_the_start(folder / "models.toml") == []
    assert difference(of_file, of_folder) == 0


@pytest.fixture
def checkpoint(families: Path, tmp_path: Path) -> Path:
    """Stable Diffusion as the A1111 world has it: one file with all weights, beside a folder that has none."""
    save_checkpoint(DiffusionPipeline.from_pretrained(families / "sd15"), tmp_path / "all.safetensors")
    shutil.copytree(families / "sd15", tmp_path / "config", ignore=shutil.ignore_patterns("*.safetensors"))
    return tmp_path


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_a_checkpoint_of_all_weights_makes_the_pictures_of_the_folder(
    checkpoint: Path, families: Path, dtype: str
) -> None:
    others = 'pipeline = "StableDiffusionPipeline"\nconfig = "config"'
    of_file = entry("sd15", source="all.safetensors", id="file", dtype=dtype, others=others)
    of_folder = entry("sd15", source=str(families / "sd15"), id="folder", dtype=dtype)
    (checkpoint / "models.toml").write_text(of_file + of_folder)
    engine = engine_of(checkpoint)

    [one], [other] = (make(engine, claim_of(model=model)) for model in ("file", "folder"))

    assert difference(one, other) == 0
    assert one.made["dtype"] == dtype


def test_a_broken_file_fails_the_tasks_of_its_model(folder: Path) -> None:
    (folder / "weights.safetensors").write_bytes(b"\x00" * 100)
    engine = engine_of(folder)

    with pytest.raises(ModelUnavailable):
        make(engine, order(NAME))


def test_a_single_file_needs_the_class_that_it_is_for(tmp_path: Path) -> None:
    (tmp_path / "models.toml").write_text(entry("one", source="weights.safetensors"))

    with pytest.raises(InvalidCatalog, match="pipeline class"):
        Catalog.read(tmp_path / "models.toml")
