"""The command that judges the weights: `python -m worker.demo_model.evaluate`."""

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from diffusers import StableDiffusionPipeline
from PIL import Image

from worker.demo_model import PICTURE_SIZE, WEIGHTS
from worker.demo_model.detector import Verdict, judge
from worker.demo_model.held_out import Task, tasks
from worker.demo_model.sheet import sample_sheet

STEPS = 20
GUIDANCE = 2.5
ON_THE_SHEET = 16
MARKS: dict[str, Callable[[Verdict], bool]] = {
    "background": lambda verdict: verdict.background,
    "object colours": lambda verdict: verdict.colours,
    "background and object colours": lambda verdict: verdict.background_and_colours,
    "shapes": lambda verdict: verdict.shapes,
    "position": lambda verdict: verdict.position,
    "everything": lambda verdict: verdict.everything,
}


def main(argv: list[str] | None = None) -> None:
    """Draws the held-out prompts, judges the pictures, writes the figures and the sample sheet."""
    options = _options(argv)
    torch.set_num_threads(options.threads)
    pipeline = load(options.weights)
    asked = tasks(options.prompts, options.seed, options.training_seed)
    started = time.monotonic()
    pictures = [_draw(pipeline, task, options.seed + number, options) for number, task in enumerate(asked)]
    seconds = (time.monotonic() - started) / len(asked)
    verdicts = [judge(picture, task.scene) for picture, task in zip(pictures, asked, strict=True)]
    figures = _figures(asked, verdicts, options, seconds)
    _print_table(figures)
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "figures.json").write_text(json.dumps(figures, indent=2) + "\n")
    prompts = [task.prompt for task in asked[:ON_THE_SHEET]]
    sample_sheet(pictures[:ON_THE_SHEET], prompts).save(options.out / "samples.png", optimize=True)


def load(weights: Path) -> StableDiffusionPipeline:
    pipeline = StableDiffusionPipeline.from_pretrained(weights, dtype=torch.float32, local_files_only=True)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def _options(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Judge the built-in model on prompts it was not trained on.")
    parser.add_argument("--prompts", type=int, default=200)
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--guidance", type=float, default=GUIDANCE)
    parser.add_argument("--seed", type=int, default=2000, help="of the prompts; each picture adds its number")
    parser.add_argument("--training-seed", type=int, default=7, help="the seed the weights were trained with")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--weights", type=Path, default=WEIGHTS)
    parser.add_argument("--out", type=Path, default=WEIGHTS.parent, help="where the figures and samples go")
    return parser.parse_args(argv)


def _draw(pipeline: StableDiffusionPipeline, task: Task, seed: int, options: argparse.Namespace) -> Image.Image:
    picture: Image.Image = pipeline(
        task.prompt,
        height=PICTURE_SIZE,
        width=PICTURE_SIZE,
        num_inference_steps=options.steps,
        guidance_scale=options.guidance,
        generator=torch.Generator().manual_seed(seed),
    ).images[0]
    return picture


def _figures(asked: list[Task], verdicts: list[Verdict], options: argparse.Namespace, seconds: float) -> dict[str, Any]:
    single = [len(task.scene.items) == 1 for task in asked]
    ones = [verdict for verdict, one in zip(verdicts, single, strict=True) if one]
    twos = [verdict for verdict, one in zip(verdicts, single, strict=True) if not one]
    return {
        "prompts": {"all": len(verdicts), "one object": len(ones), "two objects": len(twos)},
        "settings": {"steps": options.steps, "guidance": options.guidance, "size": PICTURE_SIZE},
        "seed": options.seed,
        "seconds_per_picture": round(seconds, 2),
        "threads": options.threads,
        "right": {
            name: {
                "all": _percent(mark, verdicts),
                "one object": _percent(mark, ones),
                "two objects": _percent(mark, twos),
            }
            for name, mark in MARKS.items()
        },
    }


def _percent(mark: Callable[[Verdict], bool], verdicts: list[Verdict]) -> float:
    return round(100 * sum(map(mark, verdicts)) / max(len(verdicts), 1), 1)


def _print_table(figures: dict[str, Any]) -> None:
    print("| right | all | one object | two objects |")
    print("|---|---|---|---|")
    for name, share in figures["right"].items():
        print(f"| {name} | {share['all']} % | {share['one object']} % | {share['two objects']} % |")
    print(f"{figures['seconds_per_picture']} s a picture on {figures['threads']} threads", flush=True)


if __name__ == "__main__":
    main()
