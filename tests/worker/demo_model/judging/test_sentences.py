"""Requests in words: such as a user writes, and none that the model does not know."""

import pytest

from shared.vocabulary import Vocabulary
from worker.demo_model.captions import known_words
from worker.demo_model.judging.asked import Request, Thing, moving_requests, requests
from worker.demo_model.judging.sentences import chinese, english

CIRCLE = Thing("circle", "red", "small", "top left")
STAR, HEART, BOAT = Thing("star", "yellow"), Thing("heart", "purple"), Thing("boat", "orange")


@pytest.mark.parametrize(
    ("request_", "in_english", "in_chinese"),
    [
        (
            Request("black", (CIRCLE,)),
            "a small red circle in the top left on a black background",
            "黑色背景上，左上角有一个小的红色的圆形",
        ),
        (Request("white", (Thing("car", "red"),)), "a red car on a white background", "白色背景上的一辆红色的汽车"),
        (
            Request("night", (STAR, HEART), "left"),
            "a yellow star to the left of a purple heart in the night sky",
            "夜空下，一颗黄色的星星在一颗紫色的心形的左边",
        ),
        (
            Request("orange", (STAR, HEART), "inside"),
            "a yellow star inside a purple heart on an orange background",
            "橙色背景上，一颗黄色的星星在一颗紫色的心形的里面",
        ),
        (
            Request("snow", (BOAT, STAR, HEART), "row"),
            "an orange boat, a yellow star and a purple heart in the snow",
            "雪地里的一艘橙色的船、一颗黄色的星星和一颗紫色的心形",
        ),
        (
            Request("blue", (Thing("circle", "red"),), motion="right"),
            "a red circle moving right on a blue background",
            "蓝色背景上，一个红色的圆形向右移动",
        ),
    ],
)
def test_a_request_is_said_as_a_user_would(request_: Request, in_english: str, in_chinese: str) -> None:
    assert english(request_) == in_english
    assert chinese(request_) == in_chinese


@pytest.mark.parametrize("say", [english, chinese])
def test_no_two_requests_sound_the_same(say: object) -> None:
    asked = set(requests(150, 1, seed=3) + requests(150, 2, seed=3) + requests(150, 3, seed=3))

    assert callable(say)
    assert len({say(request) for request in asked}) == len(asked)


def test_the_model_knows_every_word() -> None:
    vocabulary = Vocabulary.of(known_words())
    asked = [request for objects in (1, 2, 3) for request in requests(300, objects, seed=4)]
    asked += moving_requests(200, seed=4)

    unknown = {word for one in asked for say in (english, chinese) for word in vocabulary.unknown(say(one), 9)}

    assert unknown == set()
