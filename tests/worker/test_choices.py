"""What the worker chooses by the machine that it finds: device, numbers, layout, compiling and where that is kept."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers import DiffusionPipeline

from shared.catalog import Catalog
from shared.settings import Settings
from shared.storage import LocalStorage
from worker import engine as engine_module
from worker.engine import Engine, usable_device
from worker.pipelines.embeddings import Embeddings
from worker.pipelines.loaded import Loaded, usual_dtype


@dataclass
class Machine:
    """What torch is to find."""

    patch: pytest.MonkeyPatch

    def has(self, *, cuda: bool = False, mps: bool = False, bf16: bool = True) -> None:
        self.patch.setattr(torch.cuda, "is_available", lambda: cuda)
        self.patch.setattr(torch.backends.mps, "is_available", lambda: mps)
        self.patch.setattr(torch.cuda, "is_bf16_supported", lambda: bf16)


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    return Machine(monkeypatch)


@pytest.mark.parametrize(
    ("cuda", "mps", "device"),
    [(True, True, "cuda"), (True, False, "cuda"), (False, True, "mps"), (False, False, "cpu")],
)
def test_the_fastest_device_is_used(machine: Machine, cuda: bool, mps: bool, device: str) -> None:
    machine.has(cuda=cuda, mps=mps)

    assert usable_device() == device


@pytest.mark.parametrize(
    ("device", "bf16", "dtype"),
    [
        ("cuda", True, torch.bfloat16),
        ("cuda", False, torch.float16),
        ("mps", True, torch.float16),
        ("cpu", True, torch.float32),
    ],
)
def test_each_device_has_its_usual_numbers(machine: Machine, device: str, bf16: bool, dtype: torch.dtype) -> None:
    machine.has(cuda=device == "cuda", bf16=bf16)

    assert usual_dtype(device) == dtype


def test_on_a_graphics_card_a_model_is_laid_out_for_it_in_its_numbers(
    machine: Machine, families: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine.has(cuda=True)
    monkeypatch.setattr(DiffusionPipeline, "to", lambda pipeline, *_, **__: pipeline)
    model = Catalog.read(families / "models.toml").models["sd15"].model_copy(update={"dtype": "auto"})

    pipeline = Loaded.from_model(model, "cuda", Embeddings(0)).pipeline

    for convolution in (pipeline.unet.conv_in, pipeline.vae.decoder.conv_in):
        assert convolution.weight.is_contiguous(memory_format=torch.channels_last)
        assert convolution.weight.dtype == torch.bfloat16


@pytest.mark.parametrize(
    ("asked", "found", "device", "compiles"),
    [
        ({}, {"cuda": True}, "cuda", True),
        ({"compile": "off"}, {"cuda": True}, "cuda", False),
        ({"device": "cpu"}, {"cuda": True}, "cpu", False),
        ({}, {"mps": True}, "mps", False),
        ({}, {}, "cpu", False),
        ({"compile": "on"}, {}, "cpu", True),
    ],
    ids=str,
)
def test_what_is_left_to_the_service_is_compiled_only_on_a_graphics_card(
    machine: Machine,
    tmp_path: Path,
    families: Path,
    monkeypatch: pytest.MonkeyPatch,
    asked: dict[str, str],
    found: dict[str, bool],
    device: str,
    compiles: bool,
) -> None:
    machine.has(**found)
    made: list[tuple[Any, ...]] = []
    monkeypatch.setattr(engine_module, "Compiler", lambda *given: made.append(given))
    urls = {"database_url": "sqlite:///none.db", "broker_url": "redis://localhost"}
    chosen = Settings(_env_file=None, secret_key="s" * 40, data_dir=tmp_path, memory_gb=1.0, **urls, **asked)

    engine = Engine.of(chosen, Catalog.read(families / "models.toml"), LocalStorage(tmp_path), None)

    assert engine.device == device
    assert made == [(compiles, tmp_path / "compiled")]
