"""Shares come with the interval that they are sure to within, and say what the kinds were taken for."""

from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.worker.demo_model.judging.painted import single, square_picture
from worker.demo_model.judging.asked import Request, Thing
from worker.demo_model.judging.figures import UNSEEN, figures, row, share, table, weights_hashes
from worker.demo_model.judging.sheet import COLUMNS, sheet
from worker.demo_model.judging.verdicts import Verdict

RIGHT = Verdict(True, True, True, True, True, True, ("star",))
ONE = Request("white", (Thing("star", "red"),))
TWO = Request("white", (Thing("star", "red"), Thing("car", "red")), "left")


@pytest.mark.parametrize(
    ("right", "count", "low", "high"),
    [(0, 10, 0.0, 27.8), (10, 10, 72.2, 100.0), (5, 10, 23.7, 76.3), (190, 200, 91.0, 97.3)],
)
def test_a_share_has_wilsons_interval(right: int, count: int, low: float, high: float) -> None:
    found = share([True] * right + [False] * (count - right))

    assert found == {"percent": 100 * right / count, "low": low, "high": high}


def test_every_attribute_counts_by_itself_and_all_together() -> None:
    wrong_shape = Verdict(True, True, True, False, True, True, ("moon",))

    right = figures([(ONE, RIGHT), (ONE, wrong_shape), (TWO, RIGHT)])["right"]

    assert {mark: shares["one object"]["percent"] for mark, shares in right.items()} == {
        "background": 100.0,
        "number of objects": 100.0,
        "colours": 100.0,
        "shapes": 50.0,
        "position": 100.0,
        "size": 100.0,
        "everything": 50.0,
    }
    assert right["everything"]["two objects"]["percent"] == 100.0
    assert "three objects" not in right["everything"]


def test_the_figures_say_what_a_kind_was_taken_for() -> None:
    moon = Verdict(True, True, seen_kinds=("moon",))

    found = figures([(ONE, RIGHT), (ONE, moon), (ONE, moon), (ONE, Verdict(True)), (TWO, RIGHT)])

    assert found["seen_as"] == {"star": {"moon": 2, "star": 1, UNSEEN: 1}}
    assert found["prompts"] == {"one object": 4, "two objects": 1, "three objects": 0}


def test_the_table_shows_shares_and_intervals() -> None:
    found = figures([(ONE, RIGHT)] * 10 + [(TWO, Verdict(False))] * 10)

    lines = table(found).splitlines()

    assert lines[:2] == ["| right | one object | two objects |", "|---|---|---|"]
    assert lines[-1] == "| everything | 100.0 % (72.2 to 100.0) | 0.0 % (0.0 to 27.8) |"
    assert lines[-1] == row("everything", found["right"]["everything"])


def test_the_weights_are_told_by_their_hashes(tmp_path: Path) -> None:
    (tmp_path / "unet").mkdir()
    (tmp_path / "unet" / "model.safetensors").write_bytes(b"weights")
    (tmp_path / "model_index.json").write_text("{}")

    assert weights_hashes(tmp_path) == {"unet/model.safetensors": sha256(b"weights").hexdigest()}


def test_a_sheet_shows_every_picture_in_its_place_and_stays_small(tmp_path: Path) -> None:
    noise = np.random.default_rng(1)
    star = np.asarray(square_picture(single("star", "red", "white"))).astype(int)
    drawn = [(star + noise.integers(-1, 2, star.shape)).clip(0, 255).astype(np.uint8) for _ in range(63)]
    pictures = [*map(Image.fromarray, drawn), Image.new("RGB", (128, 128))]

    page = sheet([(picture, "a red star on a white background") for picture in pictures])
    page.save(tmp_path / "sheet.png", optimize=True)

    across, down = page.width // COLUMNS, page.height // (64 // COLUMNS)
    middles = [page.convert("RGB").getpixel((n % 8 * across + 74, n // 8 * down + 74)) for n in range(64)]
    assert [red > 150 for red, _, _ in middles] == [True] * 63 + [False]
    assert (tmp_path / "sheet.png").stat().st_size <= 600_000
