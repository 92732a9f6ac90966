"""The command that measures how good the clips are: `python -m worker.demo_model.evaluate_clips`."""

import argparse
import json
import random
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

import torch
from diffusers import AnimateDiffPipeline, MotionAdapter
from PIL import Image

from worker.demo_model import MOTION, PICTURE_SIZE
from worker.demo_model.evaluate import CHINESE_SHARE, GUIDANCE, STEPS, Question, draw, evaluation, load
from worker.demo_model.judging.asked import Request, moving_requests
from worker.demo_model.judging.clips import clip_figures, judge_clip, signal_to_noise
from worker.demo_model.judging.figures import weights_hashes
from worker.demo_model.judging.sentences import chinese, english
from worker.demo_model.judging.sheet import sheet, strip
from worker.demo_model.judging.verdicts import judge
from worker.pipelines.first_frame import AnimateDiffFirstFramePipeline
from worker.pipelines.samplers import scheduler

FRAMES = 16
# What the service does where nothing is asked for.
CLIP_SAMPLING, CLIP_STEPS = "Euler a", 10
# Where a still object begins, so that it has room for its way.
BEGINNINGS = {"left": "right", "right": "left", "up": "bottom", "down": "top", "bounce": "bottom"}
SIZES = {"grow": "small", "shrink": "large"}
STRIPS = 6
FROM_WORDS, FROM_A_PICTURE = "from words", "from a picture"

Clip = list[Image.Image]


def main(argv: list[str] | None = None) -> None:
    """Draws clips from held-out prompts, half of them from a first frame, judges them, writes figures and strips."""
    options = _options(argv)
    torch.set_num_threads(options.threads)
    words = load_moving(options.weights)
    asked = moving_questions(options.prompts, options.seed)
    clips, seconds = _drawn(lambda one, common: words(**common), asked, options)
    stills, begun = _stills(options)
    pictures = AnimateDiffFirstFramePipeline.from_pipe(words, dtype=torch.float32)
    pictures.set_progress_bar_config(disable=True)
    going_on, _ = _drawn(lambda one, common: pictures(image=stills[one.seed], **common), begun, options)
    found = {
        "weights": weights_hashes(options.weights),
        "settings": {
            "sampling": CLIP_SAMPLING,
            "steps": options.steps,
            "guidance": options.guidance,
            "size": PICTURE_SIZE,
            "seed": options.seed,
        },
        "threads": options.threads,
        "seconds_per_clip": round(median(seconds), 1),
        FROM_WORDS: _judged(asked, clips),
        FROM_A_PICTURE: _judged(begun, going_on) | _likeness(begun, going_on, stills),
    }
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "clip_figures.json").write_text(json.dumps(found, indent=2, ensure_ascii=False) + "\n")
    _save_strips(asked, clips, options.out / "clips_from_words.png")
    _save_strips(begun, going_on, options.out / "clips_from_pictures.png")
    print(json.dumps({name: found[name] for name in ("seconds_per_clip", FROM_WORDS, FROM_A_PICTURE)}, indent=2))


def load_moving(weights: Path) -> AnimateDiffPipeline:
    """The pipeline of clips, sampled as the service does it."""
    adapter = MotionAdapter.from_pretrained(weights / MOTION, dtype=torch.float32)
    pipeline = AnimateDiffPipeline.from_pretrained(
        weights, motion_adapter=adapter, dtype=torch.float32, local_files_only=True
    )
    pipeline.scheduler = scheduler(CLIP_SAMPLING, pipeline.scheduler.config)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def moving_questions(count: int, seed: int) -> list[Question]:
    """One in five in Chinese."""
    rng = random.Random(f"{seed} moving questions")
    say = [chinese if rng.random() < CHINESE_SHARE else english for _ in range(count)]
    return [Question(one, say[n](one), seed + n) for n, one in enumerate(moving_requests(count, seed))]


def _drawn(
    pipeline: Callable[[Question, dict[str, Any]], Any], asked: list[Question], options: argparse.Namespace
) -> tuple[list[Clip], list[float]]:
    """The clips in the questions' order, and the seconds that each one took."""
    clips, seconds = [], []
    for one in asked:
        started = time.monotonic()
        common = {
            "prompt": one.prompt,
            "height": PICTURE_SIZE,
            "width": PICTURE_SIZE,
            "num_frames": FRAMES,
            "num_inference_steps": options.steps,
            "guidance_scale": options.guidance,
            "generator": torch.Generator().manual_seed(one.seed),
        }
        clips.append(pipeline(one, common).frames[0])
        seconds.append(time.monotonic() - started)
        print(f"{len(clips)} of {len(asked)} clips", flush=True)
    return clips, seconds


def _stills(options: argparse.Namespace) -> tuple[dict[int, Image.Image], list[Question]]:
    """First frames by the model of stills, those that show what they should, by their questions' seeds."""
    asked = moving_questions(2 * options.prompts, options.seed + 1)
    beginnings = [_beginning(one.request) for one in asked]
    stills = [Question(still, english(still), one.seed) for still, one in zip(beginnings, asked, strict=True)]
    drawn = draw(load(options.weights), stills, STEPS, GUIDANCE)
    right = [n for n, picture in enumerate(drawn) if judge(picture, beginnings[n]).everything][: options.prompts]
    if not right:
        raise SystemExit("The model of stills drew no first frame as it should be.")
    return {asked[n].seed: drawn[n] for n in right}, [asked[n] for n in right]


def _beginning(request: Request) -> Request:
    motion = str(request.motion)
    thing = replace(request.things[0], size=SIZES.get(motion), place=BEGINNINGS.get(motion, "centre"))
    return replace(request, things=(thing,), motion=None)


def _judged(asked: list[Question], clips: list[Clip]) -> dict[str, Any]:
    return clip_figures([(one.request, judge_clip(clip, one.request)) for one, clip in zip(asked, clips, strict=True)])


def _likeness(asked: list[Question], clips: list[Clip], stills: dict[int, Image.Image]) -> dict[str, float]:
    """How true the first frames are to the given pictures, in decibels."""
    found = [signal_to_noise(clip[0], stills[one.seed]) for one, clip in zip(asked, clips, strict=True)]
    return {"least_psnr": round(min(found), 1), "median_psnr": round(median(found), 1)}


def _save_strips(asked: list[Question], clips: list[Clip], path: Path) -> None:
    shown = [(strip(clip), one.prompt) for one, clip in zip(asked, clips, strict=True) if one.in_english][:STRIPS]
    if shown:
        sheet(shown, columns=1).save(path, optimize=True)


def _options(argv: list[str] | None) -> argparse.Namespace:
    said = "Judge the built-in model's clips on prompts it was not trained on."
    parser = evaluation(said, 100, "clips from words, and as many from a first frame", 3000)
    parser.add_argument("--steps", type=int, default=CLIP_STEPS)
    parser.add_argument("--guidance", type=float, default=GUIDANCE)
    return parser.parse_args(argv)


if __name__ == "__main__":
    main()
