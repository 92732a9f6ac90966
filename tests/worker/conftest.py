"""A tiny model on disk, and the parts of a worker around fakes."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy

from shared.catalog import Catalog
from shared.claims import Claims
from shared.storage import LocalStorage
from worker.leases import Leases

if TYPE_CHECKING:
    from worker.engine import Engine

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
def families(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a tiny model of each family and a models file that offers them."""
    from tests.worker.families import save_families

    folder = tmp_path_factory.mktemp("families")
    save_families(folder)
    return folder


@pytest.fixture(scope="session")
def family_files(tmp_path_factory: pytest.TempPathFactory) -> LocalStorage:
    """Where the references of their tasks are."""
    return LocalStorage(tmp_path_factory.mktemp("references"))


@pytest.fixture(scope="session")
def family_engine(families: Path, family_files: LocalStorage) -> "Engine":
    """One engine for all families."""
    from worker.engine import Engine

    return Engine(Catalog.read(families / "models.toml"), family_files, "cpu")


@pytest.fixture(scope="session")
def videos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a tiny model of each video family and a models file that offers them."""
    from tests.worker.videos import save_videos

    folder = tmp_path_factory.mktemp("videos")
    save_videos(folder)
    return folder


@pytest.fixture(scope="session")
def video_files(tmp_path_factory: pytest.TempPathFactory) -> LocalStorage:
    """Where the references of their tasks are."""
    from tests.worker.videos import save_references

    storage = LocalStorage(tmp_path_factory.mktemp("references"))
    save_references(storage)
    return storage


@pytest.fixture(scope="session")
def video_engine(videos: Path, video_files: LocalStorage) -> "Engine":
    """One engine for all video families."""
    from worker.engine import Engine

    return Engine(Catalog.read(videos / "models.toml"), video_files, "cpu")


@pytest.fixture
def compiled() -> Iterator[list[Any]]:
    """For the graphs that a test has compiled, which torch knows nothing of before and after."""
    import torch

    torch._dynamo.reset()
    yield []
    torch.compiler.set_stance("default")
    torch._dynamo.reset()


@pytest.fixture(scope="session")
def catalog(models_file: Path) -> Catalog:
    return Catalog.read(models_file)


@pytest.fixture
def claims(engine: sqlalchemy.Engine) -> Claims:
    return Claims(engine, "worker", lease_seconds=15, max_attempts=3)


@pytest.fixture
def leases(claims: Claims) -> Leases:
    return Leases(claims, lease_seconds=15)


@pytest.fixture
def storage(tmp_path: Path) -> LocalStorage:
    return LocalStorage(tmp_path / "files")
