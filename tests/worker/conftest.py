"""A tiny model on disk, and the parts of a worker around fakes."""

from pathlib import Path

import pytest
from sqlalchemy import Engine

from shared.catalog import Catalog
from shared.claims import Claims
from shared.storage import LocalStorage
from worker.leases import Leases

MODELS = """
[[models]]
id = "tiny"
source = "tiny"
kinds = ["t2i", "i2i", "t2v"]
dtype = "float32"
width = { min = 16, max = 128, default = 64 }
height = { min = 16, max = 128, default = 64 }
multiple = 8
steps = { min = 1, max = 10, default = 2 }
guidance_scale = { min = 1, max = 20, default = 4 }
sampling_methods = ["DDIM", "DPM++ 2M", "DPM++ 2M Karras", "Euler", "Euler a", "UniPC"]
num_frames = { min = 1, max = 9, default = 9 }
fps = { min = 1, max = 30, default = 8 }
max_batch = 2

[[models]]
id = "broken"
source = "nowhere"
kinds = ["t2i"]
width = { min = 16, max = 128, default = 64 }
height = { min = 16, max = 128, default = 64 }
steps = { min = 1, max = 10, default = 2 }
guidance_scale = { min = 1, max = 20, default = 4 }
sampling_methods = ["DDIM"]
"""


@pytest.fixture(scope="session")
def models_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A models file that offers a tiny model and one whose folder is empty."""
    from tests.fakes.tiny_model import save_tiny_model

    folder = tmp_path_factory.mktemp("models")
    save_tiny_model(folder / "tiny")
    (folder / "nowhere").mkdir()
    path = folder / "models.toml"
    path.write_text(MODELS)
    return path


@pytest.fixture(scope="session")
def catalog(models_file: Path) -> Catalog:
    return Catalog.read(models_file)


@pytest.fixture
def claims(engine: Engine) -> Claims:
    return Claims(engine, "worker", lease_seconds=15, max_attempts=3)


@pytest.fixture
def leases(claims: Claims) -> Leases:
    return Leases(claims, lease_seconds=15)


@pytest.fixture
def storage(tmp_path: Path) -> LocalStorage:
    return LocalStorage(tmp_path / "files")
