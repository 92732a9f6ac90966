"""The training keeps its promises on a small scale: it learns, and it goes on where it stopped."""

from pathlib import Path

import torch

from worker.demo_model.pace import Pace, load_checkpoint, save_checkpoint
from worker.demo_model.reader import train_reader
from worker.demo_model.tokens import new_tokenizer


def test_a_stage_lowers_its_loss_and_ends_after_its_steps() -> None:
    weight = torch.nn.Parameter(torch.tensor([3.0]))
    pace = Pace("stage", torch.optim.SGD([weight], lr=0.1), steps=200)
    while not pace.finished:
        pace.step(weight.square().sum())
    assert pace.done == 200
    assert abs(weight.item()) < 0.1


def test_a_checkpoint_comes_back_as_it_was_saved(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "stage.pt"
    assert load_checkpoint(path) is None
    save_checkpoint(path, {"done": 3})
    assert load_checkpoint(path) == {"done": 3}


def test_the_reader_is_taken_from_its_checkpoint(tmp_path: Path) -> None:
    tokenizer = new_tokenizer()
    first = train_reader(tokenizer, 1, 1, tmp_path / "reader.pt")
    second = train_reader(tokenizer, 1, 2, tmp_path / "reader.pt")
    states = zip(first.state_dict().values(), second.state_dict().values(), strict=True)
    assert all(torch.equal(a, b) for a, b in states)
