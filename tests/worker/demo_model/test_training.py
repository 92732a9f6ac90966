"""The training keeps its promises on a small scale: it learns, and it goes on where it stopped."""

import copy
from pathlib import Path

import pytest
import torch
from torch import nn

from worker.demo_model.averaged import Averaged
from worker.demo_model.denoiser import WIDTHS, new_denoiser
from worker.demo_model.layouts import LayoutHead, layout
from worker.demo_model.matrices import Matrices
from worker.demo_model.pace import COOL_DOWN, WARM_UP, Pace, load_checkpoint, resume, save_checkpoint, save_parts
from worker.demo_model.reader import train_reader
from worker.demo_model.scenes import Item, Scene
from worker.demo_model.tokens import new_tokenizer


def descent(steps: int, start: int = 0) -> tuple[Pace, torch.Tensor]:
    weight = nn.Parameter(torch.tensor([3.0]))
    return Pace("stage", [torch.optim.SGD([weight], lr=0.1)], steps, start), weight


def test_a_stage_lowers_its_loss_and_ends_after_its_steps() -> None:
    pace, weight = descent(200)

    while not pace.finished:
        pace.step(weight.square().sum())

    assert pace.done == 200
    assert abs(weight.item()) < 0.1


def test_a_stage_shows_how_far_it_is_and_the_loss_of_its_last_steps(capsys: pytest.CaptureFixture[str]) -> None:
    pace, weight = descent(60, start=40)

    while not pace.finished:
        pace.step(weight.sum() * 0 + pace.done)

    shown = capsys.readouterr().err.split("\r")[-1]
    assert "stage: 100%" in shown
    assert "60/60" in shown
    assert "loss 54.5" in shown  # of steps 50 to 59


@pytest.mark.parametrize(
    ("done", "share"),
    [(0, 1 / WARM_UP), (WARM_UP, 1.0), (500, 1.0), (1000 - round(COOL_DOWN * 500), 0.5), (999, 0.004)],
)
def test_the_rate_warms_up_stays_and_falls(done: int, share: float) -> None:
    weight = nn.Parameter(torch.tensor([3.0]))
    optimiser = torch.optim.SGD([weight], lr=0.1)

    Pace("stage", [optimiser], 1000, done).step(weight.square().sum())

    assert optimiser.param_groups[0]["lr"] == pytest.approx(0.1 * share, rel=0.2)


def test_a_checkpoint_comes_back_as_it_was_saved(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "stage.pt"
    assert load_checkpoint(path) is None

    save_checkpoint(path, {"done": 3})

    assert load_checkpoint(path) == {"done": 3}


def test_parts_go_on_from_their_checkpoint(tmp_path: Path) -> None:
    path, first, second = tmp_path / "stage.pt", nn.Linear(2, 2), nn.Linear(2, 2)
    assert resume(path, {"model": first}) == 0

    save_parts(path, {"model": first}, 7)

    assert resume(path, {"model": second}) == 7
    assert torch.equal(first.weight, second.weight)


def test_the_reader_is_taken_from_its_checkpoint(tmp_path: Path) -> None:
    tokenizer = new_tokenizer()
    first = train_reader(tokenizer, 1, 1, tmp_path / "reader.pt")
    second = train_reader(tokenizer, 1, 2, tmp_path / "reader.pt")
    states = zip(first.state_dict().values(), second.state_dict().values(), strict=True)
    assert all(torch.equal(a, b) for a, b in states)


def test_muon_moves_the_weights_of_convolutions_as_matrices_with_all_their_singular_values_alike() -> None:
    convolution = nn.Conv2d(8, 4, 3, bias=False).to(memory_format=torch.channels_last)
    before = convolution.weight.detach().clone()
    optimiser = Matrices([convolution.weight], lr=0.1)
    optimiser.zero_grad()

    convolution(torch.randn(2, 8, 6, 6)).square().mean().backward()
    optimiser.step()

    moved = (convolution.weight - 0.999 * before).permute(0, 2, 3, 1).flatten(1)
    values = torch.linalg.svdvals(moved.detach())
    assert values.max() / values.min() < 3


def test_muon_takes_matrices_of_one_shape_together_and_does_what_it_does_one_by_one() -> None:
    torch.manual_seed(1)
    layers = nn.Sequential(nn.Linear(6, 9, bias=False), nn.Linear(9, 6, bias=False), nn.Linear(6, 9, bias=False))
    apart = copy.deepcopy(layers)
    together = Matrices(list(layers.parameters()), lr=0.1)
    one_by_one = Matrices(list(apart.parameters()), lr=0.1)
    for _ in range(3):
        for one, other in zip(layers.parameters(), apart.parameters(), strict=True):
            assert one.grad is not None
            assert other.grad is not None
            other.grad.copy_(one.grad.normal_())
        together.step()
        torch.optim.Muon.step(one_by_one)

    pairs = zip(layers.parameters(), apart.parameters(), strict=True)
    assert all(torch.allclose(one, other, atol=1e-3) for one, other in pairs)


def test_a_layout_says_how_much_of_each_cell_each_object_covers() -> None:
    held = Item("circle", "red", "small", 0.5, 0.5, 0.12)
    holder = Item("square", "blue", "large", 0.5, 0.5, 0.5 / 0.86)

    first, second, third = layout(Scene("white", (held, holder), "inside"), (128, 96)).astype(int)

    assert first.shape == (6, 8)
    assert first[:, 3:5].sum() > 0 == first[:, :2].sum()
    assert (first + second)[2:4, 2:6].min() > 250
    assert third.sum() == 0


def test_the_layout_head_is_content_only_with_the_right_layout() -> None:
    denoiser = new_denoiser()
    head = LayoutHead(WIDTHS[-1], denoiser.mid_block)
    denoiser(torch.randn(1, denoiser.config.in_channels, 16, 16), torch.tensor([10]), torch.randn(1, 4, 160))
    scene = Scene("white", (Item("star", "green", "large", 0.5, 0.5, 0.4),))
    layouts = torch.from_numpy(layout(scene, (128, 128)))[None]
    optimiser = torch.optim.Adam(head.parameters(), lr=0.1)

    head._seen = head._seen.detach()
    for _ in range(60):
        optimiser.zero_grad()
        loss = head.loss([scene], layouts)
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    elsewhere = torch.from_numpy(layout(Scene("white", (Item("star", "red", "large", 0.2, 0.2, 0.2),)), (128, 128)))

    assert loss < 1
    assert head.loss([scene], elsewhere[None]) > loss + 1


def test_a_training_goes_on_from_weights_but_not_once_it_has_begun(tmp_path: Path) -> None:
    learnt, network = nn.Linear(2, 2), nn.Linear(2, 2)
    training = Averaged(network, 0.5, tmp_path / "stage.pt", 1)
    training.begin("stage", [torch.optim.SGD(network.parameters(), lr=1.0)], 10)

    training.begin_with(learnt)
    assert torch.equal(network.weight, learnt.weight)
    assert torch.equal(training.average.state_dict()["weight"], learnt.weight)

    training.step(network.weight.sum())
    training.begin_with(learnt)
    assert not torch.equal(network.weight, learnt.weight)
