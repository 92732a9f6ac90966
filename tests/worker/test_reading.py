"""What is told of a model's files without loading them."""

from pathlib import Path

import pytest

from shared.catalog import Catalog, Model
from tests.worker.families import entry
from worker.pipelines.reading import PIECES, bytes_on_disk, fingerprint

MEGABYTE = 1 << 20
SIZE = 24 * MEGABYTE


def model_in(folder: Path) -> Model:
    (folder / "models.toml").write_text(entry("sd15", source="."))
    return Catalog.read(folder / "models.toml").models["sd15"]


def weights(folder: Path, changed: slice = slice(0)) -> str:
    """The fingerprint of a model that has other bytes there."""
    content = bytearray(SIZE)
    content[changed] = b"x" * len(content[changed])
    (folder / "unet").mkdir(exist_ok=True)
    (folder / "unet" / "weights.safetensors").write_bytes(content)
    return fingerprint(model_in(folder), str(folder))


@pytest.mark.parametrize("at", [0, MEGABYTE, 5 * MEGABYTE, SIZE // 2 + 1, SIZE - SIZE // PIECES])
def test_a_model_that_differs_from_another_anywhere_has_its_own_fingerprint(tmp_path: Path, at: int) -> None:
    assert weights(tmp_path, slice(at, at + SIZE // PIECES)) != weights(tmp_path)


@pytest.mark.parametrize("place", [slice(0, 1), slice(SIZE - 1, SIZE)])
def test_the_first_and_the_last_byte_count(tmp_path: Path, place: slice) -> None:
    assert weights(tmp_path, place) != weights(tmp_path)


def test_the_same_weights_elsewhere_have_the_same_fingerprint(tmp_path: Path) -> None:
    folders = [tmp_path / "one", tmp_path / "other"]
    for folder in folders:
        folder.mkdir()

    assert len({weights(folder) for folder in folders}) == 1


def test_the_weights_that_an_entry_has_beside_its_model_count(tmp_path: Path) -> None:
    bare = weights(tmp_path)
    (tmp_path / "motion").mkdir()
    (tmp_path / "motion" / "modules.safetensors").write_bytes(b"modules")
    with_modules = model_in(tmp_path).model_copy(update={"motion_adapter": str(tmp_path / "motion")})
    source = str(tmp_path / "unet")

    assert fingerprint(with_modules, source) != fingerprint(model_in(tmp_path), source) == bare
    assert bytes_on_disk(with_modules, source) == SIZE + len(b"modules")
