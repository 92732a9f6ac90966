"""The command that measures how the model of stills is steered: `python -m worker.demo_model.evaluate_steering`."""

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import Any

import numpy as np
import torch
from diffusers import StableDiffusionImg2ImgPipeline, StableDiffusionPipeline
from PIL import Image, ImageFilter

from worker.demo_model.evaluate import BATCH, GUIDANCE, STEPS, Question, draw, evaluation, load
from worker.demo_model.judging.asked import Request, requests
from worker.demo_model.judging.figures import row, share, weights_hashes
from worker.demo_model.judging.seeing import look
from worker.demo_model.judging.sentences import english
from worker.demo_model.judging.verdicts import judge

GUIDANCES = (1.0, GUIDANCE, 5.0)
STRENGTHS = (0.2, 0.4, 0.6, 0.8, 1.0)
# Pixels; what outlines are blurred by before they are compared, so that a hair's breadth does not matter.
BLUR = 2

Share = dict[str, float]


@dataclass(frozen=True)
class Change:
    """A picture, and what it is to become."""

    picture: Image.Image
    wanted: Question


def main(argv: list[str] | None = None) -> None:
    """Judges what guidance, a negative prompt and the strength of a change do, and writes the figures."""
    options = _options(argv)
    torch.set_num_threads(options.threads)
    pipeline = load(options.weights)
    asked = single_questions(options.prompts, options.seed)
    found = {
        "weights": weights_hashes(options.weights),
        "settings": {"steps": STEPS, "guidance": GUIDANCE, "seed": options.seed, "prompts": options.prompts},
        "guidance": {str(value): guided(pipeline, asked, value) for value in GUIDANCES},
        "negative_prompt": {"still there": avoided(pipeline, asked)},
        "strength": changed(pipeline, changes(pipeline, options.prompts, options.seed + 1)),
    }
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "steering.json").write_text(json.dumps(found, indent=2, ensure_ascii=False) + "\n")
    print("\n".join(rows(found)), flush=True)


def rows(found: dict[str, Any]) -> list[str]:
    """The lines of the card's tables."""
    guidance = [row(value, {"right": right}) for value, right in found["guidance"].items()]
    strength = [
        row(f"{value} | {one['layout']:.2f}", {"asked": one["as asked"]}) for value, one in found["strength"].items()
    ]
    return [*guidance, row("negative prompt", found["negative_prompt"]), *strength]


def single_questions(count: int, seed: int) -> list[Question]:
    """Held-out prompts for one object, in English."""
    return [Question(one, english(one), seed + n) for n, one in enumerate(requests(count, 1, seed))]


def guided(pipeline: StableDiffusionPipeline, asked: Sequence[Question], guidance: float) -> Share:
    """The share of pictures that are right in everything with this guidance."""
    pictures = draw(pipeline, asked, STEPS, guidance)
    return share([judge(picture, one.request).everything for picture, one in zip(pictures, asked, strict=True)])


def avoided(pipeline: StableDiffusionPipeline, asked: Sequence[Question], steps: int = STEPS) -> Share:
    """How often an object whose colour is not asked for keeps the colour it had, once a negative prompt names it."""
    open_ones = [_without_colour(one) for one in asked]
    seen = [_colours(picture) for picture in draw(pipeline, open_ones, steps, GUIDANCE)]
    single = [(one, colours[0]) for one, colours in zip(open_ones, seen, strict=True) if len(colours) == 1]
    again = draw(pipeline, [one for one, _ in single], steps, GUIDANCE, [colour for _, colour in single])
    return share([colour in _colours(picture) for (_, colour), picture in zip(single, again, strict=True)])


def changes(pipeline: StableDiffusionPipeline, count: int, seed: int, steps: int = STEPS) -> list[Change]:
    """Pictures that are right, and for each a prompt with another kind, colour and background, and without a place."""
    asked = single_questions(count, seed)
    wanted = requests(count, 1, seed + 1)
    found = []
    for one, other, picture in zip(asked, wanted, draw(pipeline, asked, steps, GUIDANCE), strict=True):
        if judge(picture, one.request).everything and _differ(one.request, other):
            bare = replace(other, things=(replace(other.things[0], size=None, place=None),))
            found.append(Change(picture, Question(bare, english(bare), one.seed)))
    return found


def changed(
    pipeline: StableDiffusionPipeline,
    wanted: Sequence[Change],
    strengths: Sequence[float] = STRENGTHS,
    steps: int = STEPS,
) -> dict[str, dict[str, Any]]:
    """For every strength, how alike the outlines are (median), and the share that is right in all that is asked for."""
    painter = StableDiffusionImg2ImgPipeline(**pipeline.components, requires_safety_checker=False)
    painter.set_progress_bar_config(disable=True)
    found = {}
    for strength in strengths:
        pictures = _repainted(painter, wanted, strength, steps)
        pairs = list(zip(pictures, wanted, strict=True))
        found[str(strength)] = {
            "layout": round(median(_alike(picture, one.picture) for picture, one in pairs), 2),
            "as asked": share([judge(picture, one.wanted.request).everything for picture, one in pairs]),
        }
    return found


def _without_colour(question: Question) -> Question:
    thing = replace(question.request.things[0], colour="", size=None, place=None)
    request = replace(question.request, things=(thing,))
    return Question(request, english(request), question.seed)


def _colours(picture: Image.Image) -> list[str]:
    return [one.colour for one in look(picture).objects]


def _differ(request: Request, other: Request) -> bool:
    (one,), (two,) = request.things, other.things
    return one.kind != two.kind and one.colour != two.colour and request.background != other.background


def _alike(picture: Image.Image, other: Image.Image) -> float:
    """The correlation of the two pictures' outlines, 1 for the same ones and about 0 for any."""
    return float(np.corrcoef(_outlines(picture), _outlines(other))[0, 1])


def _outlines(picture: Image.Image) -> np.ndarray:
    """How steep the colours are at every pixel."""
    pixels = np.asarray(picture.convert("RGB").filter(ImageFilter.GaussianBlur(BLUR)), dtype=float)
    down, right = np.gradient(pixels, axis=(0, 1))
    steepness: np.ndarray = np.hypot(down, right).sum(axis=2)
    return steepness.ravel()


def _repainted(
    painter: StableDiffusionImg2ImgPipeline, wanted: Sequence[Change], strength: float, steps: int
) -> list[Image.Image]:
    pictures: list[Image.Image] = []
    for start in range(0, len(wanted), BATCH):
        some = wanted[start : start + BATCH]
        pictures += painter(
            [one.wanted.prompt for one in some],
            image=[one.picture for one in some],
            strength=strength,
            num_inference_steps=steps,
            guidance_scale=GUIDANCE,
            generator=[torch.Generator().manual_seed(one.wanted.seed) for one in some],
        ).images
    return pictures


def _options(argv: list[str] | None) -> argparse.Namespace:
    said = "Judge how the built-in model follows guidance, negatives, strength."
    return evaluation(said, 150, "of one object each", 4000).parse_args(argv)


if __name__ == "__main__":
    main()
