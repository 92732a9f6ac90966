"""The command that makes the weights from nothing: `python -m worker.demo_model.train`."""

import argparse
import shutil
from pathlib import Path

import torch

from worker.demo_model import WEIGHTS
from worker.demo_model.autoencoder import train_autoencoder
from worker.demo_model.denoiser import (
    new_scheduler,
    paint_gallery,
    start_training,
    train_denoiser,
)
from worker.demo_model.export import export
from worker.demo_model.reader import train_reader
from worker.demo_model.tokens import new_tokenizer


def main(argv: list[str] | None = None) -> None:
    """Trains what the work folder does not already hold, then writes the weights."""
    options = _options(argv)
    torch.set_num_threads(options.threads)
    work: Path = options.work
    if not options.resume:
        shutil.rmtree(work, ignore_errors=True)
    vae = train_autoencoder(options.autoencoder_steps, options.seed, work / "autoencoder.pt")
    tokenizer = new_tokenizer()
    reader = train_reader(tokenizer, options.reader_steps, options.seed, work / "reader.pt")
    gallery = paint_gallery(vae, options.seed, work / "gallery.pt")
    training = start_training(options.steps, options.seed, work / "denoiser.pt")
    train_denoiser(training, reader, tokenizer, gallery, options.seed)
    export(options.out, vae, reader, tokenizer, training.average, new_scheduler())
    print(f"weights written to {options.out}", flush=True)


def _options(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Train the built-in model from nothing, on the processor.")
    parser.add_argument("--steps", type=int, default=5250, help="steps of the U-Net")
    parser.add_argument("--autoencoder-steps", type=int, default=2000)
    parser.add_argument("--reader-steps", type=int, default=500, help="steps of the text encoder")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--out", type=Path, default=WEIGHTS, help="where the weights go")
    parser.add_argument("--work", type=Path, default=Path("var/demo_model"), help="where checkpoints go")
    parser.add_argument("--resume", action="store_true", help="go on from the checkpoints in the work folder")
    return parser.parse_args(argv)


if __name__ == "__main__":
    main()
