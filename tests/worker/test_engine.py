"""The engine over a tiny pipeline of the real classes."""

import io
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from shared.catalog import Catalog
from shared.claims import Claim
from shared.generation import Kind
from shared.sampling import MOST_STEPS
from shared.storage import LocalStorage
from tests.orders import claim_of
from worker.engine import Engine
from worker.errors import KindUnsupported, ModelUnavailable, ReferenceUnreadable
from worker.job import Cancelled
from worker.media import Picture


@pytest.fixture(scope="module")
def references(tmp_path_factory: pytest.TempPathFactory) -> LocalStorage:
    """Pictures of several modes, by the keys that tasks have for them."""
    storage = LocalStorage(tmp_path_factory.mktemp("files"))
    for mode, colour in {"RGB": "red", "RGBA": (0, 0, 255, 128), "L": 128, "1": 1, "P": 3}.items():
        file = io.BytesIO()
        Image.new(mode, (50, 20), colour).save(file, "PNG")
        storage.save(f"uploads/{mode}.png", file.getvalue())
    storage.save("uploads/broken.png", b"\x89PNG no more")
    with storage.open("uploads/RGB.png") as sound:
        whole = sound.read()
    storage.save("uploads/cut.png", whole[: len(whole) // 2])
    storage.save("uploads/garbled.png", whole.replace(b"IDAT", b"\x00\xff\x00\xff"))
    file = io.BytesIO()
    Image.effect_noise((50, 20), 90).save(file, "WEBP")
    storage.save("uploads/cut-webp.png", file.getvalue()[: len(file.getvalue()) // 2])
    return storage


@pytest.fixture(scope="module")
def engine(catalog: Catalog, references: LocalStorage) -> Engine:
    engine = Engine(catalog, references, "cpu")
    engine.warm_up()
    return engine


def one(engine: Engine, **parameters: object) -> Picture:
    return engine.generate([claim_of(**parameters)], lambda step, steps, phase="": None)[0][0]


@pytest.mark.parametrize(("width", "height"), [(64, 64), (70, 65), (16, 128), (63, 17)])
def test_a_picture_has_exactly_the_size_that_was_asked_for(engine: Engine, width: int, height: int) -> None:
    assert one(engine, width=width, height=height).pixels.shape == (height, width, 3)


def test_a_seed_always_gives_the_same_picture(engine: Engine) -> None:
    first, second = one(engine, seed=3), one(engine, seed=3)

    assert np.array_equal(first.pixels, second.pixels)


def test_another_seed_gives_another_picture(engine: Engine) -> None:
    assert not np.array_equal(one(engine, seed=3).pixels, one(engine, seed=4).pixels)


def test_each_picture_of_a_task_counts_the_seed_up(engine: Engine) -> None:
    [pictures] = engine.generate([claim_of(seed=3, num_images=3)], lambda step, steps: None)

    assert [picture.seed for picture in pictures] == [3, 4, 5]
    assert np.abs(pictures[2].pixels.astype(int) - one(engine, seed=5).pixels).max() <= 1


def test_a_batched_picture_equals_the_solo_one_within_one_level(engine: Engine) -> None:
    batch = [claim_of("a red circle", seed=1), claim_of("a blue square", seed=2, negative_prompt="red")]

    together = engine.generate(batch, lambda step, steps: None)

    for claim, [picture] in zip(batch, together, strict=True):
        [[alone]] = engine.generate([claim], lambda step, steps: None)
        assert np.abs(picture.pixels.astype(int) - alone.pixels).max() <= 1


@pytest.mark.parametrize(
    "change", [{"prompt": "other"}, {"negative_prompt": "other"}, {"guidance_scale": 9.0}, {"steps": 3}]
)
def test_a_parameter_changes_the_picture(engine: Engine, change: dict[str, object]) -> None:
    assert not np.array_equal(one(engine).pixels, one(engine, **change).pixels)


def test_each_sampling_method_makes_a_picture_of_its_own(engine: Engine, catalog: Catalog) -> None:
    names = set(catalog.models["tiny"].sampling_methods) - {"Euler"}  # deterministic DDIM is Euler's method
    made = {one(engine, sampling_method=name, steps=5).pixels.tobytes() for name in names}

    assert len(made) == len(names)


@pytest.mark.parametrize("name", MOST_STEPS)
def test_a_sampling_method_makes_as_many_steps_as_may_be_asked_for(engine: Engine, name: str) -> None:
    picture = one(engine, sampling_method=name, steps=MOST_STEPS[name], width=16, height=16)

    assert picture.pixels.shape == (16, 16, 3)


def test_a_sampling_method_leaves_nothing_behind_for_the_next_task(engine: Engine) -> None:
    before = one(engine, sampling_method="DPM++ 2M", steps=5)
    one(engine, sampling_method="DPM++ 2M Karras", steps=5)
    after = one(engine, sampling_method="DPM++ 2M", steps=5)

    assert np.array_equal(before.pixels, after.pixels)


def test_steps_are_reported_over_all_calls_of_a_batch(engine: Engine) -> None:
    reported: list[tuple[int, int]] = []

    engine.generate([claim_of(num_images=3, steps=2)], lambda step, steps: reported.append((step, steps)))

    assert reported == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_what_a_step_raises_ends_the_run(engine: Engine) -> None:
    def stop(step: int, steps: int) -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        engine.generate([claim_of()], stop)


def test_a_model_that_is_gone_from_the_catalogue_is_unavailable(engine: Engine) -> None:
    with pytest.raises(ModelUnavailable):
        one(engine, model="gone")


def test_a_broken_model_fails_alone(engine: Engine) -> None:
    with pytest.raises(ModelUnavailable):
        one(engine, model="broken")

    assert one(engine).pixels.shape == (64, 64, 3)


def truncate(weights: Path) -> None:
    weights.write_bytes(weights.read_bytes()[: weights.stat().st_size // 2])


def garble_as_pickle(weights: Path) -> None:
    weights.unlink()
    weights.with_name("pytorch_model.bin").write_bytes(b"no pickle at all")


def empty_as_pickle(weights: Path) -> None:
    weights.unlink()
    weights.with_name("pytorch_model.bin").write_bytes(b"")


@pytest.mark.parametrize(
    ("part", "damage"),
    [
        ("unet/diffusion_pytorch_model", truncate),
        ("text_encoder/model", truncate),
        ("text_encoder/model", garble_as_pickle),
        ("text_encoder/model", empty_as_pickle),
    ],
)
def test_with_the_default_models_weights_broken_the_others_are_served(
    models_file: Path, tmp_path: Path, part: str, damage: Callable[[Path], None]
) -> None:
    shutil.copytree(models_file.parent / "tiny", tmp_path / "damaged")
    damage(tmp_path / "damaged" / f"{part}.safetensors")
    known = Catalog.read(models_file).models["tiny"]
    default = known.model_copy(update={"id": "damaged", "source": str(tmp_path / "damaged")})
    engine = Engine(Catalog({"damaged": default, "tiny": known}), LocalStorage(tmp_path), "cpu")

    missing = engine.warm_up()

    assert missing == "damaged"
    with pytest.raises(ModelUnavailable):
        one(engine, model="damaged")
    assert one(engine).pixels.shape == (64, 64, 3)


def from_reference(mode: str, **parameters: object) -> Claim:
    claim = claim_of(**{"strength": 0.9, "steps": 10, **parameters})
    return replace(claim, kind=Kind.IMAGE_TO_IMAGE, images=(f"uploads/{mode}.png",))


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "1", "P"])
def test_a_reference_of_any_mode_and_size_gives_a_picture_of_the_asked_size(engine: Engine, mode: str) -> None:
    [[picture]] = engine.generate([from_reference(mode, width=63, height=40)], lambda step, steps: None)

    assert picture.pixels.shape == (40, 63, 3)


def test_another_reference_gives_another_picture(engine: Engine) -> None:
    [[red], [grey]] = engine.generate([from_reference("RGB"), from_reference("L")], lambda step, steps: None)

    assert not np.array_equal(red.pixels, grey.pixels)


def test_a_batched_picture_from_a_reference_equals_the_solo_one_within_one_level(engine: Engine) -> None:
    batch = [from_reference("RGB", seed=1), from_reference("L", seed=2)]

    together = engine.generate(batch, lambda step, steps: None)

    for claim, [picture] in zip(batch, together, strict=True):
        [[alone]] = engine.generate([claim], lambda step, steps: None)
        assert np.abs(picture.pixels.astype(int) - alone.pixels).max() <= 1


@pytest.mark.parametrize(("strength", "steps"), [(0.5, 5), (1.0, 10), (0.05, 1)])
def test_a_task_with_a_reference_counts_the_steps_that_are_really_made(
    engine: Engine, strength: float, steps: int
) -> None:
    told: list[tuple[int, int]] = []

    engine.generate([from_reference("RGB", strength=strength)], lambda step, of: told.append((step, of)))

    assert told == [(step, steps) for step in range(1, steps + 1)]


@pytest.mark.parametrize("name", ["broken", "cut", "garbled", "cut-webp", "gone"])
def test_a_reference_that_cannot_be_read_is_an_error_of_its_own(engine: Engine, name: str) -> None:
    with pytest.raises(ReferenceUnreadable):
        engine.generate([from_reference(name)], lambda step, steps: None)


def test_a_kind_that_no_pipeline_here_makes_is_an_error_of_its_own(engine: Engine) -> None:
    with pytest.raises(KindUnsupported):
        engine.generate([replace(claim_of(), kind=Kind.TEXT_TO_VIDEO)], lambda step, steps: None)
