"""The evaluation's questions: as many of every class, shuffled, some of them in Chinese."""

from collections import Counter

from worker.demo_model.evaluate import questions
from worker.demo_model.judging.asked import held_out
from worker.demo_model.judging.sentences import chinese, english


def test_every_class_is_asked_as_often_and_all_questions_are_held_out() -> None:
    asked = questions(50, seed=1)

    assert Counter(len(one.request.things) for one in asked) == {1: 50, 2: 50, 3: 50}
    assert all(held_out(one.request) for one in asked)


def test_the_first_questions_are_a_sample_of_all_classes() -> None:
    first = questions(100, seed=1)[:64]

    assert min(Counter(len(one.request.things) for one in first).values()) >= 10
    assert len({len(one.request.things) for one in first}) == 3


def test_one_in_five_is_asked_in_chinese() -> None:
    asked = questions(200, seed=1)

    share = sum(one.prompt == chinese(one.request) for one in asked) / len(asked)

    assert 0.15 < share < 0.25
    assert all(one.in_english == (one.prompt == english(one.request)) for one in asked)


def test_every_question_has_its_own_noise_and_a_seed_repeats_them_all() -> None:
    asked = questions(20, seed=5)

    assert len({one.seed for one in asked}) == 60
    assert asked == questions(20, seed=5)
    assert asked != questions(20, seed=6)
