"""Noise levels with large errors teach no more than those with small ones."""

import torch

from worker.demo_model.levels import Levels

TIMES = torch.tensor([100, 900, 120, 910])


def errors(scale: float) -> torch.Tensor:
    """Those where there is much noise are so much larger."""
    return torch.tensor([1.0, scale, 1.0, scale], requires_grad=True)


def test_every_level_counts_the_same() -> None:
    levels = Levels()

    found = errors(50.0)
    levels.even(found, TIMES, 1000).backward()

    assert found.grad is not None
    taught = found.grad * found.detach()
    torch.testing.assert_close(taught, taught[:1].expand(4))


def test_all_together_count_as_much_as_before() -> None:
    torch.testing.assert_close(Levels().even(errors(50.0), TIMES, 1000), errors(50.0).mean())


def test_what_is_usual_follows_slowly_and_only_where_something_was_heard() -> None:
    levels = Levels()
    levels.even(errors(50.0), TIMES, 1000)

    levels.even(errors(10.0), TIMES, 1000)

    assert levels.usual.nonzero().flatten().tolist() == [2, 18]
    assert 40 < levels.usual[18] < 50


def test_it_goes_on_where_it_was() -> None:
    levels, other = Levels(), Levels()
    levels.even(errors(50.0), TIMES, 1000)

    other.load_state_dict(levels.state_dict())

    assert torch.equal(other.even(errors(2.0), TIMES, 1000), levels.even(errors(2.0), TIMES, 1000))
