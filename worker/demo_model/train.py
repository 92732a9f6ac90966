"""The command that makes the weights from nothing: `python -m worker.demo_model.train`."""

import argparse
import shutil
from pathlib import Path

import torch
from diffusers import DiffusionPipeline, MotionAdapter

from worker.demo_model import MOTION, WEIGHTS
from worker.demo_model.autoencoder import train_autoencoder
from worker.demo_model.clips import open_reel
from worker.demo_model.denoiser import Training, new_scheduler, train_denoiser
from worker.demo_model.export import export
from worker.demo_model.gallery import open_gallery
from worker.demo_model.moving import MovingTraining, new_motion_adapter, train_moving
from worker.demo_model.reader import train_reader
from worker.demo_model.tokens import KNOWN_WORDS, new_tokenizer, write_known_words

PARTS = ("stills", "clips")


def main(argv: list[str] | None = None) -> None:
    """Trains what the work folder does not already hold, then writes the weights."""
    options = _options(argv)
    torch.set_num_threads(options.threads)
    if not options.resume:
        shutil.rmtree(options.work, ignore_errors=True)
    if "stills" in options.parts:
        _stills(options)
    if "clips" in options.parts:
        _clips(options)
    write_known_words(KNOWN_WORDS)


def _stills(options: argparse.Namespace) -> None:
    work, seed = options.work, options.seed
    training = Training(options.steps, seed, work / "denoiser.pt", options.device)
    if options.onward:
        shipped = _shipped(options)
        vae, tokenizer, reader = shipped.vae, shipped.tokenizer, shipped.text_encoder
        training.begin_with(shipped.unet)
    else:
        tokenizer = new_tokenizer()
        vae = train_autoencoder(options.autoencoder_steps, seed, work / "autoencoder.pt", options.device)
        reader = train_reader(tokenizer, options.reader_steps, seed, work / "reader.pt", options.device)
    train_denoiser(training, reader, tokenizer, open_gallery(vae, seed, work), seed)
    export(options.out, vae, reader, tokenizer, training.average, new_scheduler())
    print(f"weights written to {options.out}", flush=True)


def _clips(options: argparse.Namespace) -> None:
    """Goes on with the U-Net of stills, onward with its motion modules, too."""
    work, seed, adapter = options.work, options.seed, new_motion_adapter()
    begun = _shipped(options)
    if options.onward:
        adapter = MotionAdapter.from_pretrained(options.out / MOTION, dtype=torch.float32)
    training = MovingTraining(begun.unet, adapter, options.clip_steps, work / "moving.pt", options.device)
    gallery, reel = open_gallery(begun.vae, seed, work), open_reel(begun.vae, seed, work)
    reader, tokenizer = begun.text_encoder, begun.tokenizer
    train_moving(training, reader, tokenizer, gallery, reel, seed)
    export(options.out, begun.vae, reader, tokenizer, training.unet, new_scheduler(), training.adapter)
    print(f"weights written to {options.out}", flush=True)


def _shipped(options: argparse.Namespace) -> DiffusionPipeline:
    """What the folder holds, by the class that it names; its networks do not learn until they are told to."""
    shipped = DiffusionPipeline.from_pretrained(options.out, dtype=torch.float32, local_files_only=True)
    return shipped.to(options.device)


def _options(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Train the built-in model from nothing.")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS, help="which stages of the two")
    parser.add_argument("--steps", type=int, default=3600, help="steps of the U-Net with stills alone")
    parser.add_argument("--clip-steps", type=int, default=28_000, help="steps with clips, and stills in between")
    parser.add_argument("--autoencoder-steps", type=int, default=5400)
    parser.add_argument("--reader-steps", type=int, default=2350, help="steps of the text encoder")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--device", default="cpu", help="where it is trained: cpu, cuda, ... (default: cpu)")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--out", type=Path, default=WEIGHTS, help="where the weights go")
    parser.add_argument("--work", type=Path, default=Path("var/demo_model"), help="where checkpoints go")
    parser.add_argument("--resume", action="store_true", help="go on from the checkpoints in the work folder")
    parser.add_argument(
        "--onward",
        action="store_true",
        help="begin with the weights that are there; their autoencoders and text encoders stay as they are",
    )
    return parser.parse_args(argv)


if __name__ == "__main__":
    main()
