"""Models that lack what most have (a callback, a strength, files at hand), and what files say of their models."""

import io
import json
import re
from pathlib import Path

import diffusers
import pytest
import torch
from diffusers import DiffusionPipeline
from PIL import Image

from shared.catalog import Catalog
from shared.storage import LocalStorage
from tests.fakes.tiny_families import save_pixart
from tests.orders import claim_of
from tests.worker.families import entry, make, order, told_at_the_start
from worker.engine import Engine
from worker.errors import LoraUnavailable


@pytest.fixture(scope="module")
def pixart(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    """A model whose class takes no callback, and would like to choose sizes by itself."""
    folder = tmp_path_factory.mktemp("pixart")
    save_pixart(folder / "pixart")
    (folder / "models.toml").write_text(entry("pixart").replace('["t2i", "i2i"]', '["t2i"]'))
    return Engine(Catalog.read(folder / "models.toml"), LocalStorage(folder), "cpu")


@pytest.mark.parametrize("method", ["DDIM", "Euler a"])
def test_each_step_is_told_where_a_class_takes_no_callback(pixart: Engine, method: str) -> None:
    told: list[tuple[int, int]] = []
    task = claim_of(model="pixart", sampling_method=method, steps=3, width=70, height=40)

    [[picture]] = pixart.generate([task], lambda done, of, phase="": done and told.append((done, of)))

    assert told == [(1, 3), (2, 3), (3, 3)]
    assert picture.pixels.shape == (40, 70, 3)


def test_what_a_step_raises_ends_the_run_where_a_class_takes_no_callback(pixart: Engine) -> None:
    class Enough(Exception):
        pass

    told: list[int] = []

    def stop(done: int, of: int, phase: str = "") -> None:
        told.append(done)
        if done:
            raise Enough

    with pytest.raises(Enough):
        pixart.generate([claim_of(model="pixart", steps=3)], stop)

    assert told[-1] == 1


def test_a_class_that_takes_no_loras_fails_who_asks_for_one_and_stays(pixart: Engine) -> None:
    with pytest.raises(LoraUnavailable):
        make(pixart, claim_of(model="pixart", loras=[{"name": "ink", "weight": 1.0}]))

    assert pixart.loaded == ("pixart",)


@pytest.mark.parametrize(
    ("came_with", "problems"),
    [
        ("PixArtSigmaPipeline", ["PixArtSigmaPipeline takes no LoRAs"]),
        ("StableDiffusionPipeline", []),
    ],
)
def test_loras_that_nothing_can_wear_are_told_at_the_start(tmp_path: Path, came_with: str, problems: list[str]) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "model_index.json").write_text(json.dumps({"_class_name": came_with}))
    loras = 'loras = [{ name = "ink", source = "ink.safetensors" }]'
    text = entry("sd15", source="model", others=loras).replace('["t2i", "i2i"]', '["t2i"]')
    (tmp_path / "models.toml").write_text(text)

    assert [problem for _, problem in told_at_the_start(tmp_path / "models.toml")] == problems


@pytest.mark.parametrize(
    ("came_with", "says", "problems"),
    [
        ("FluxKontextPipeline", "", ["FluxKontextPipeline takes no strength"]),
        ("Flux2Pipeline", "", ["Flux2Pipeline takes no strength"]),
        ("QwenImageEditPipeline", "", ["QwenImageEditPipeline takes no strength"]),
        ("QwenImageEditPipeline", "strength = false", []),
        ("FluxPipeline", "", []),
    ],
)
def test_a_strength_that_has_no_effect_is_told_at_the_start(
    tmp_path: Path, came_with: str, says: str, problems: list[str]
) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "model_index.json").write_text(json.dumps({"_class_name": came_with}))
    text = entry("flux", source="model", others=says).replace('["t2i", "i2i"]', '["i2i"]')
    (tmp_path / "models.toml").write_text(text)

    assert [problem for _, problem in told_at_the_start(tmp_path / "models.toml")] == problems


def test_a_file_says_what_it_was_made_by(family_engine: Engine) -> None:
    sd15, sdxl = (make(family_engine, order(name))[0].encode(order(name)) for name in ("sd15", "sdxl"))

    said = json.loads(Image.open(io.BytesIO(sd15.data)).text["darkroom"])

    assert (said["device"], said["dtype"]) == ("cpu", "float32")
    assert said["versions"] == {"torch": torch.__version__, "diffusers": diffusers.__version__}
    assert re.fullmatch("[0-9a-f]{64}", said["weights"])
    assert said["weights"] != sdxl.made["weights"]


def test_a_model_of_the_hub_comes_in_the_revision_that_its_entry_names(
    families: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, str | None]] = []
    (tmp_path / "snapshots").mkdir()
    (tmp_path / "snapshots" / "0123abcd").symlink_to(families / "sd15")

    def download(name: str, revision: str | None = None) -> str:
        asked.append((name, revision))
        return str(tmp_path / "snapshots" / "0123abcd")

    monkeypatch.setattr(DiffusionPipeline, "download", download)
    (tmp_path / "models.toml").write_text(entry("sd15", source="owner/name", others='revision = "fp16"'))
    engine = Engine(Catalog.read(tmp_path / "models.toml"), LocalStorage(tmp_path), "cpu")

    encoded = make(engine, order("sd15"))[0].encode(order("sd15"))

    assert asked == [("owner/name", "fp16")]
    assert json.loads(Image.open(io.BytesIO(encoded.data)).text["darkroom"])["revision"] == "0123abcd"
