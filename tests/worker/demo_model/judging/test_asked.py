"""What the judging asks for is what the training leaves out, and the rest of the world it does see."""

from itertools import product

import pytest

from tests.worker.demo_model.judging.painted import asked_for, item, scenes
from worker.demo_model import scenes as drawing
from worker.demo_model.judging.asked import BACKGROUNDS, LOST, RELATIONS, Request, Thing, held_out, requests
from worker.demo_model.judging.colours import NAMES
from worker.demo_model.judging.silhouettes import KINDS

COMBINATIONS = list(product(KINDS, NAMES, BACKGROUNDS))


def alone(kind: str, colour: str, background: str) -> Request:
    return Request(background, (Thing(kind, colour),))


def test_both_sides_state_the_same_rule_for_one_object() -> None:
    judged = [held_out(alone(*combination)) for combination in COMBINATIONS]
    trained = [drawing.held_out(drawing.Scene(back, (item(kind, colour),))) for kind, colour, back in COMBINATIONS]

    assert judged == trained
    assert 0.09 < sum(judged) / len(judged) < 0.11


@pytest.mark.parametrize("relation", RELATIONS)
def test_both_sides_state_the_same_rule_for_two(relation: str) -> None:
    things = [(kind, colour) for kind, colour in product(KINDS, NAMES)][::3]
    pairs = list(product(things, things))

    judged = [held_out(Request("red", (Thing(*first), Thing(*second)), relation)) for first, second in pairs]
    trained = [
        drawing.held_out(drawing.Scene("red", (item(*first), item(*second)), relation)) for first, second in pairs
    ]

    assert judged == trained
    assert 0.09 < sum(judged) / len(judged) < 0.11


def test_what_is_drawn_to_learn_from_is_never_held_out() -> None:
    assert not any(held_out(asked_for(scene)) for scene in scenes(1000, "learnt"))


def test_every_kind_and_colour_together_is_learnt_before_most_backgrounds() -> None:
    for kind, colour in product(KINDS, NAMES):
        left_out = [background for background in BACKGROUNDS if held_out(alone(kind, colour, background))]
        assert len(left_out) <= 2, (kind, colour)


@pytest.mark.parametrize("objects", [1, 2, 3])
def test_all_that_is_asked_is_held_out_and_can_be_seen(objects: int) -> None:
    asked = requests(300, objects, seed=1)

    assert all(held_out(request) for request in asked)
    assert {len(request.things) for request in asked} == {objects}
    for request in asked:
        colours = {thing.colour for thing in request.things}
        assert not colours & LOST.get(request.background, {request.background})


@pytest.mark.parametrize("objects", [1, 2, 3])
def test_everything_there_is_gets_asked(objects: int) -> None:
    asked = requests(400, objects, seed=1)

    assert {thing.kind for request in asked for thing in request.things} == set(KINDS)
    assert {thing.colour for request in asked for thing in request.things} == set(NAMES)
    assert {request.background for request in asked} == set(BACKGROUNDS)
    assert {request.relation for request in asked} == {1: {None}, 2: set(RELATIONS), 3: {"row"}}[objects]


def test_what_holds_and_what_is_held_differ_in_colour() -> None:
    held = [request.things for request in requests(300, 2, seed=1) if request.relation == "inside"]

    assert held
    assert all(first.colour != second.colour for first, second in held)


def test_the_same_seed_asks_the_same_and_another_one_something_else() -> None:
    assert requests(20, 2, seed=1) == requests(20, 2, seed=1)
    assert requests(20, 2, seed=1) != requests(20, 2, seed=2)


def test_more_requests_begin_with_the_same_ones() -> None:
    assert requests(30, 1, seed=1)[:10] == requests(10, 1, seed=1)
