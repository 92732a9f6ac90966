"""LoRAs on tiny models: what they do to a picture, and that they do it to no other one."""

from pathlib import Path
from typing import Any

import pytest

from shared.catalog import Catalog
from shared.storage import LocalStorage
from tests.fakes.tiny_lora import save_lora, save_text_lora
from tests.worker.families import TOLERANCE, alone, difference, entry, make, order
from worker.engine import Engine
from worker.errors import LoraUnavailable
from worker.job import Cancelled

NAMES = ("sd15", "sdxl", "sd3", "flux", "z-image")
OF_TEXT = ("sd15", "flux")

some = pytest.mark.parametrize("name", NAMES)


@pytest.fixture(scope="module")
def engine(families: Path, tmp_path_factory: pytest.TempPathFactory) -> Engine:
    """Models with two LoRAs each, and one whose file is broken."""
    folder = tmp_path_factory.mktemp("loras")
    (folder / "broken.safetensors").write_bytes(b"\x00" * 64)
    entries = []
    for name in NAMES:
        for number in (1, 2):
            save_lora(families / name, folder / f"{name}-{number}.safetensors", seed=number)
        sources = {"one": f"{name}-1.safetensors", "two": f"{name}-2.safetensors", "broken": "broken.safetensors"}
        if name in OF_TEXT:
            save_text_lora(families / name, folder / f"{name}-text.safetensors", seed=3)
            sources["text"] = f"{name}-text.safetensors"
        loras = ", ".join(f'{{ name = "{key}", source = "{source}" }}' for key, source in sources.items())
        entries.append(entry(name, source=str(families / name), others=f"loras = [{loras}]"))
    (folder / "models.toml").write_text("".join(entries))
    return Engine(Catalog.read(folder / "models.toml"), LocalStorage(folder), "cpu")


def wearing(name: str, **weights: float) -> Any:
    return order(name, loras=[{"name": lora, "weight": weight} for lora, weight in weights.items()])


@some
def test_a_lora_changes_the_picture_by_its_weight(engine: Engine, name: str) -> None:
    bare, half, full = alone(engine, [order(name), wearing(name, one=0.5), wearing(name, one=1.0)])

    assert min(difference(bare, half), difference(half, full), difference(bare, full)) > TOLERANCE


@some
def test_a_lora_of_no_weight_changes_nothing(engine: Engine, name: str) -> None:
    bare, worn = alone(engine, [order(name), wearing(name, one=0.0)])

    assert difference(bare, worn) <= TOLERANCE


@some
def test_two_loras_add_up(engine: Engine, name: str) -> None:
    one, both = alone(engine, [wearing(name, one=1.0), wearing(name, one=1.0, two=1.0)])

    assert difference(one, both) > TOLERANCE


@some
def test_no_other_task_sees_a_lora(engine: Engine, name: str) -> None:
    before, _, after, _, other = alone(
        engine, [order(name), wearing(name, one=1.0), order(name), wearing(name, two=1.0), wearing(name, one=1.0)]
    )
    [again] = make(engine, wearing(name, one=1.0))

    assert difference(before, after) == 0
    assert difference(other, again) == 0


@some
@pytest.mark.parametrize("lora", ["broken", "gone"])
def test_a_lora_that_cannot_be_had_fails_its_task_and_leaves_nothing_behind(
    engine: Engine, name: str, lora: str
) -> None:
    [before] = make(engine, order(name))

    with pytest.raises(LoraUnavailable):
        make(engine, wearing(name, one=1.0, **{lora: 1.0}))

    assert difference(before, *make(engine, order(name))) == 0


def test_a_lora_of_the_text_encoder_reads_prompts_anew_and_leaves_no_reading_behind(engine: Engine) -> None:
    before, worn, after = alone(engine, [order("sd15"), wearing("sd15", text=1.0), order("sd15")])

    assert difference(before, worn) > TOLERANCE
    assert difference(before, after) == 0


@some
def test_a_task_that_is_stopped_takes_its_lora_off(engine: Engine, name: str) -> None:
    def stop(step: int, steps: int, phase: str = "") -> None:
        raise Cancelled

    [before] = make(engine, order(name))

    with pytest.raises(Cancelled):
        engine.generate([wearing(name, one=1.0)], stop)

    assert difference(before, *make(engine, order(name))) == 0
