"""The command that makes the weights from nothing: `python -m worker.demo_model.train`."""

import argparse
import shutil
from pathlib import Path

import torch
from diffusers import DiffusionPipeline
from transformers import CLIPTextModel

from worker.demo_model import FILM_WEIGHTS, WEIGHTS
from worker.demo_model.autoencoder import train_autoencoder
from worker.demo_model.denoiser import Training, new_scheduler, train_denoiser
from worker.demo_model.export import export, export_film
from worker.demo_model.film import FilmTraining, new_film_scheduler, train_film
from worker.demo_model.film_autoencoder import train_film_autoencoder
from worker.demo_model.film_reader import train_film_reader
from worker.demo_model.films import open_films
from worker.demo_model.gallery import open_gallery
from worker.demo_model.reader import train_reader
from worker.demo_model.tokens import KNOWN_WORDS, new_tokenizer, write_known_words

PARTS = ("stills", "film")


def main(argv: list[str] | None = None) -> None:
    """Trains what the work folder does not already hold, then writes the weights."""
    options = _options(argv)
    torch.set_num_threads(options.threads)
    if not options.resume:
        shutil.rmtree(options.work, ignore_errors=True)
    if "stills" in options.parts:
        _stills(options)
    if "film" in options.parts:
        _film(options)
    write_known_words(KNOWN_WORDS)


def _stills(options: argparse.Namespace) -> None:
    work, seed = options.work, options.seed
    training = Training(options.steps, seed, work / "denoiser.pt")
    if options.onward:
        shipped = _shipped(options.out)
        vae, tokenizer, reader = shipped.vae, shipped.tokenizer, shipped.text_encoder
        training.begin_with(shipped.unet)
    else:
        tokenizer = new_tokenizer()
        vae = train_autoencoder(options.autoencoder_steps, seed, work / "autoencoder.pt")
        reader = train_reader(tokenizer, options.reader_steps, seed, work / "reader.pt")
    train_denoiser(training, reader, tokenizer, open_gallery(vae, seed, work), seed)
    export(options.out, vae, reader, tokenizer, training.average, new_scheduler())
    print(f"weights written to {options.out}", flush=True)


def _film(options: argparse.Namespace) -> None:
    work, seed = options.work, options.seed
    training = FilmTraining(options.film_steps, seed, work / "film.pt")
    if options.onward:
        shipped = _shipped(options.film_out)
        vae, tokenizer, reader = shipped.vae, shipped.tokenizer, shipped.text_encoder
        training.begin_with(shipped.transformer)
    else:
        tokenizer = new_tokenizer()
        vae = train_film_autoencoder(
            options.film_autoencoder_steps, seed, work / "film-autoencoder.pt", options.compile
        )
        words = CLIPTextModel.from_pretrained(options.out / "text_encoder").get_input_embeddings().weight
        reader = train_film_reader(tokenizer, words, options.film_reader_steps, seed, work / "film-reader.pt")
    train_film(training, reader, tokenizer, open_films(vae, seed, work), seed)
    export_film(options.film_out, vae, reader, tokenizer, training.average, new_film_scheduler())
    print(f"weights written to {options.film_out}", flush=True)


def _shipped(folder: Path) -> DiffusionPipeline:
    """What the folder holds, by the class that it names; its networks do not learn until they are told to."""
    return DiffusionPipeline.from_pretrained(folder, dtype=torch.float32, local_files_only=True)


def _options(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Train the built-in models from nothing, on the processor.")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS, help="which of the two models")
    parser.add_argument("--steps", type=int, default=12_000, help="steps of the U-Net")
    parser.add_argument("--autoencoder-steps", type=int, default=4000)
    parser.add_argument("--reader-steps", type=int, default=2000, help="steps of the text encoder")
    parser.add_argument("--film-steps", type=int, default=8000, help="steps of the film's transformer")
    parser.add_argument("--film-autoencoder-steps", type=int, default=4000)
    parser.add_argument("--film-reader-steps", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--out", type=Path, default=WEIGHTS, help="where the weights of stills go")
    parser.add_argument("--film-out", type=Path, default=FILM_WEIGHTS, help="where the weights of the film go")
    parser.add_argument("--work", type=Path, default=Path("var/demo_model"), help="where checkpoints go")
    parser.add_argument("--resume", action="store_true", help="go on from the checkpoints in the work folder")
    parser.add_argument(
        "--onward",
        action="store_true",
        help="begin with the weights that are there; their autoencoders and text encoders stay as they are",
    )
    parser.add_argument("--compile", action="store_true", help="compile the film's autoencoder; needs a C++ compiler")
    return parser.parse_args(argv)


if __name__ == "__main__":
    main()
