"""Between the sizes that models make and those that were asked for."""

import numpy as np
import pytest

from worker.pipelines.pixels import crop, next_multiple


@pytest.mark.parametrize(("height", "width"), [(8, 8), (4, 8), (7, 5), (1, 1)])
def test_a_picture_is_cut_to_its_middle_and_never_stretched(height: int, width: int) -> None:
    pixels = np.arange(8 * 8 * 3, dtype=np.uint8).reshape(8, 8, 3)
    top, left = (8 - height) // 2, (8 - width) // 2

    cut = crop(pixels, width, height)

    assert np.array_equal(cut, pixels[top : top + height, left : left + width])


@pytest.mark.parametrize(("size", "made"), [(64, 64), (65, 72), (1, 8)])
def test_what_is_no_multiple_is_made_at_the_next_one_up(size: int, made: int) -> None:
    assert next_multiple(size, 8) == made
