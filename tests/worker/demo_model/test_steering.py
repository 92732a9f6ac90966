"""What the built-in model does with a negative prompt and with the strength of a change, judged by the pixels."""

from diffusers import StableDiffusionPipeline

from worker.demo_model.evaluate_steering import avoided, changed, changes, single_questions

STEPS = 8


def test_a_colour_named_in_the_negative_prompt_gives_way(pipeline: StableDiffusionPipeline) -> None:
    assert avoided(pipeline, single_questions(12, seed=1), STEPS)["percent"] <= 50


def test_a_weak_change_keeps_the_place_and_a_strong_one_follows_the_prompt(pipeline: StableDiffusionPipeline) -> None:
    wanted = changes(pipeline, 12, seed=1, steps=STEPS)

    found = changed(pipeline, wanted, (0.2, 0.9), STEPS)

    weak, strong = found["0.2"], found["0.9"]
    assert weak["layout"] >= 0.8
    assert weak["as asked"]["percent"] <= 25
    assert strong["layout"] <= 0.5
    assert strong["as asked"]["percent"] >= 50
