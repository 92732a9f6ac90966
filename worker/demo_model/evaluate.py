"""The command that measures how good the weights are: `python -m worker.demo_model.evaluate`."""

import argparse
import json
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import torch
from diffusers import StableDiffusionPipeline
from PIL import Image

from worker.demo_model import PICTURE_SIZE, WEIGHTS
from worker.demo_model.judging.asked import Request, requests
from worker.demo_model.judging.figures import CLASSES, figures, row, table, weights_hashes
from worker.demo_model.judging.sentences import chinese, english
from worker.demo_model.judging.sheet import sheet
from worker.demo_model.judging.verdicts import judge
from worker.pipelines.samplers import scheduler

# What the service does where nothing is asked for.
SAMPLING, STEPS = "Euler a", 20
# A solver of higher order needs fewer steps, and cannot put right on the way what it began wrong.
QUICK_SAMPLING, FEW_STEPS = "UniPC", 10
GUIDANCE = 2.5
CHINESE_SHARE = 0.2
BATCH = 8
TIMED = 5
ON_THE_SHEET = 64


@dataclass(frozen=True)
class Question:
    """A request in words, and the seed of the noise that its picture is drawn from."""

    request: Request
    prompt: str
    seed: int

    @property
    def in_english(self) -> bool:
        """Whether the sheet's letters can show the prompt."""
        return self.prompt.isascii()


def main(argv: list[str] | None = None) -> None:
    """Draws held-out prompts, judges the pictures, writes the figures and the sheet."""
    options = _options(argv)
    torch.set_num_threads(options.threads)
    pipeline = load(options.weights)
    asked = questions(options.prompts, options.seed)
    pictures, measured = _measured(pipeline, asked, options.steps, options.guidance)
    pipeline.scheduler = scheduler(QUICK_SAMPLING, pipeline.scheduler.config)
    _, quick = _measured(pipeline, asked, FEW_STEPS, options.guidance)
    found = {
        "weights": weights_hashes(options.weights),
        "settings": {
            "sampling": SAMPLING,
            "steps": options.steps,
            "guidance": options.guidance,
            "size": PICTURE_SIZE,
            "seed": options.seed,
        },
        "threads": options.threads,
        **measured,
        "in_few_steps": {
            "steps": FEW_STEPS,
            "sampling": QUICK_SAMPLING,
            "seconds_per_picture": quick["seconds_per_picture"],
            "everything": quick["right"]["everything"],
        },
    }
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "figures.json").write_text(json.dumps(found, indent=2, ensure_ascii=False) + "\n")
    shown = [(picture, one.prompt) for one, picture in zip(asked, pictures, strict=True) if one.in_english]
    sheet(shown[:ON_THE_SHEET]).save(options.out / "samples.png", optimize=True)
    print(table(found))
    print(row(f"in {FEW_STEPS} steps", quick["right"]["everything"]))
    each = (found["seconds_per_picture"], quick["seconds_per_picture"])
    print(f"{each[0]} s a picture on {options.threads} threads, in few steps {each[1]}", flush=True)


def questions(count: int, seed: int) -> list[Question]:
    """So many of every class, one in five in Chinese, shuffled, so that the first ones are a sample of all."""
    rng = random.Random(f"{seed} questions")
    asked = [request for objects in CLASSES for request in requests(count, objects, seed)]
    rng.shuffle(asked)
    say = [chinese if rng.random() < CHINESE_SHARE else english for _ in asked]
    return [Question(asked[n], say[n](asked[n]), seed + n) for n in range(len(asked))]


def load(weights: Path) -> StableDiffusionPipeline:
    """The pipeline of stills, sampled as the service does it."""
    pipeline = StableDiffusionPipeline.from_pretrained(weights, dtype=torch.float32, local_files_only=True)
    pipeline.scheduler = scheduler(SAMPLING, pipeline.scheduler.config)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def draw(
    pipeline: StableDiffusionPipeline,
    asked: Sequence[Question],
    steps: int,
    guidance: float,
    avoiding: Sequence[str] = (),
) -> list[Image.Image]:
    """The pictures in the questions' order, some at once, which is faster; `avoiding` has their negative prompts."""
    pictures: list[Image.Image] = []
    for start in range(0, len(asked), BATCH):
        part = slice(start, start + BATCH)
        pictures += _at_once(pipeline, asked[part], steps, guidance, avoiding[part])
        print(f"{len(pictures)} of {len(asked)} pictures", flush=True)
    return pictures


def _at_once(
    pipeline: StableDiffusionPipeline,
    asked: Sequence[Question],
    steps: int,
    guidance: float,
    avoiding: Sequence[str] = (),
) -> list[Image.Image]:
    pictures: list[Image.Image] = pipeline(
        [one.prompt for one in asked],
        negative_prompt=list(avoiding) or None,
        height=PICTURE_SIZE,
        width=PICTURE_SIZE,
        num_inference_steps=steps,
        guidance_scale=guidance,
        generator=[torch.Generator().manual_seed(one.seed) for one in asked],
    ).images
    return pictures


def _measured(
    pipeline: StableDiffusionPipeline, asked: Sequence[Question], steps: int, guidance: float
) -> tuple[list[Image.Image], dict[str, Any]]:
    """The pictures, how good they are, and how long one takes that is drawn alone."""
    seconds = median(_timed(pipeline, question, steps, guidance) for question in asked[:TIMED])
    pictures = draw(pipeline, asked, steps, guidance)
    judged = [(one.request, judge(picture, one.request)) for one, picture in zip(asked, pictures, strict=True)]
    return pictures, {"seconds_per_picture": round(seconds, 2), **figures(judged)}


def _timed(pipeline: StableDiffusionPipeline, question: Question, steps: int, guidance: float) -> float:
    started = time.monotonic()
    _at_once(pipeline, [question], steps, guidance)
    return time.monotonic() - started


def evaluation(description: str, prompts: int, of: str, seed: int) -> argparse.ArgumentParser:
    """The options that every evaluation has; `prompts` are so many `of` what."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--prompts", type=int, default=prompts, help=of)
    parser.add_argument("--seed", type=int, default=seed, help="of the prompts; each picture or clip adds its number")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--weights", type=Path, default=WEIGHTS)
    parser.add_argument("--out", type=Path, default=WEIGHTS.parent, help="where the figures and what shows them go")
    return parser


def _options(argv: list[str] | None) -> argparse.Namespace:
    said = "Judge the built-in model on prompts it was not trained on."
    parser = evaluation(said, 400, "of every class: one, two and three objects", 2000)
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--guidance", type=float, default=GUIDANCE)
    return parser.parse_args(argv)


if __name__ == "__main__":
    main()
