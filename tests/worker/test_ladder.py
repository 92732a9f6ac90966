"""The way down when memory runs out, and up again; around a fake that holds so much and no more."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
import torch

from shared.generation import Kind
from tests.orders import PARAMETERS
from worker.errors import OutOfMemory
from worker.ladder import Ladder, Rung
from worker.media import Picture
from worker.pipelines.request import Request


@dataclass
class Device:
    """`holds` pictures at a time; tiling halves what a picture needs, offloading does so once more."""

    holds: float
    can_offload: bool = True
    needs: float = 1.0
    calls: list[int] = field(default_factory=list)
    rooms: int = 0
    error: Exception = field(default_factory=lambda: torch.OutOfMemoryError("CUDA out of memory"))

    def save_memory(self, saves: bool) -> None:
        self.needs = 0.5 if saves else 1.0

    def offload(self, kind: Kind) -> bool:
        self.needs = 0.25 if self.can_offload else self.needs
        return self.can_offload

    def make_room(self) -> None:
        self.rooms += 1

    def once(self, call: Sequence[Request], left: int) -> list[Picture]:
        self.calls.append(len(call))
        if len(call) * self.needs > self.holds:
            raise self.error
        return [Picture(np.zeros((1, 1, 3), np.uint8), request.seed) for request in call]


def run(device: Device, *sizes: int) -> tuple[Ladder, list[tuple[int, int]]]:
    """Calls of these sizes, and of each picture the seed that was asked for and the one that was made."""
    ladder = Ladder("tiny", device, Kind.TEXT_TO_IMAGE, device.make_room)
    seeds = iter(range(100))
    calls: Any = [[Request("", next(seeds), PARAMETERS) for _ in range(size)] for size in sizes]
    made = ladder.run(calls, device.once)
    return ladder, [(request.seed, picture.seed) for request, picture in made]


def test_what_fits_stays_as_it_is() -> None:
    device = Device(holds=4)

    ladder, made = run(device, 4, 2)

    assert (ladder.rung, device.calls, device.rooms) == (Rung.NONE, [4, 2], 0)
    assert made == [(seed, seed) for seed in range(6)]


def test_a_batch_that_is_too_large_is_halved_until_it_fits() -> None:
    device = Device(holds=1)

    ladder, made = run(device, 4)

    assert ladder.rung is Rung.SMALLER_BATCH
    assert device.calls == [4, 2, 1, 1, 2, 1, 1]
    assert made == [(seed, seed) for seed in range(4)]


@pytest.mark.parametrize(("holds", "rung"), [(0.5, Rung.VAE_TILING), (0.25, Rung.OFFLOAD)])
def test_one_picture_that_is_too_large_is_made_with_less(holds: float, rung: Rung) -> None:
    ladder, made = run(Device(holds), 1)

    assert (ladder.rung, made) == (rung, [(0, 0)])


def test_a_lack_of_memory_that_only_its_text_tells_goes_the_same_way() -> None:
    device = Device(0.5, error=RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate`"))

    ladder, made = run(device, 1)

    assert (ladder.rung, made) == (Rung.VAE_TILING, [(0, 0)])


def test_everything_else_makes_room_at_each_step() -> None:
    device = Device(holds=0.25)

    run(device, 1)

    assert device.rooms == 2


@pytest.mark.parametrize("device", [Device(0.1), Device(0.25, can_offload=False)], ids=["small", "no other memory"])
def test_below_the_last_rung_the_task_is_told(device: Device) -> None:
    with pytest.raises(OutOfMemory):
        run(device, 2)


@pytest.mark.parametrize(("holds", "can_stay"), [(1, True), (0.5, True), (0.25, False)])
def test_afterwards_everything_is_as_before_or_to_be_loaded_anew(holds: float, can_stay: bool) -> None:
    device = Device(holds)
    ladder, _ = run(device, 2)

    stays = ladder.climb_back()

    assert stays is can_stay
    assert device.needs == 1.0


def test_another_error_is_not_held_for_a_lack_of_memory() -> None:
    def broken(call: Sequence[Request], left: int) -> list[Picture]:
        raise RuntimeError("broken")

    device = Device(holds=1)
    ladder = Ladder("tiny", device, Kind.TEXT_TO_IMAGE, device.make_room)

    with pytest.raises(RuntimeError, match="broken"):
        ladder.run([[Request("", 1, PARAMETERS)]], broken)

    assert ladder.rung is Rung.NONE
