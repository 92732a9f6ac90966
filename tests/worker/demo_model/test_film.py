"""The moving part: its first frame stands alone, and what is trained is what the pipeline runs."""

import random
from pathlib import Path

import numpy as np
import torch
from diffusers import LTXImageToVideoPipeline, LTXPipeline
from PIL import Image

from worker.demo_model.export import export_film
from worker.demo_model.film import FRAME_RATE, new_film_scheduler, new_film_transformer
from worker.demo_model.film_autoencoder import LATENT_CHANNELS, as_film, encode_film, new_film_autoencoder
from worker.demo_model.film_reader import FILM_TOKENS, new_film_reader, tokenize_film
from worker.demo_model.films import FOLD
from worker.demo_model.motions import FRAMES, random_clip
from worker.demo_model.tokens import new_tokenizer


def clip_of(seed: int) -> np.ndarray:
    return random_clip(random.Random(seed)).frames(FRAMES + 1, 64)  # noqa: S311 - it draws clips


def test_a_clip_is_folded_in_time_and_space_and_its_first_frame_stands_alone() -> None:
    vae = new_film_autoencoder().eval()
    clip = as_film(clip_of(1)[None])

    latents = encode_film(vae, clip)
    first = encode_film(vae, clip[:, :, :1])

    assert latents.shape == (1, LATENT_CHANNELS, 1 + FRAMES // FOLD[0], 64 // FOLD[1], 64 // FOLD[2])
    assert torch.allclose(latents[:, :, :1], first, atol=1e-4)


def test_prompts_are_padded_as_the_pipeline_does_it() -> None:
    tokens, mask = tokenize_film(new_tokenizer(), ["a red circle moving right", "红色圆形"])

    assert tokens.shape == mask.shape == (2, FILM_TOKENS)
    assert mask.sum(1).tolist() == [7, 6]


def test_what_is_exported_makes_clips_from_words_and_from_a_first_frame(tmp_path: Path) -> None:
    tokenizer = new_tokenizer()
    parts = (new_film_autoencoder(), new_film_reader(tokenizer), tokenizer, new_film_transformer())
    export_film(tmp_path / "film", *parts, new_film_scheduler())

    words = LTXPipeline.from_pretrained(tmp_path / "film", dtype=torch.float32, local_files_only=True)
    words.set_progress_bar_config(disable=True)
    pictures = LTXImageToVideoPipeline(**words.components)
    pictures.set_progress_bar_config(disable=True)
    common = {"width": 64, "height": 64, "num_frames": 9, "frame_rate": FRAME_RATE, "num_inference_steps": 1}

    assert words("a red circle moving right", output_type="np", **common).frames.shape == (1, 9, 64, 64, 3)
    begun = pictures(Image.new("RGB", (64, 64), "red"), "moving right", output_type="np", **common).frames
    assert begun.shape == (1, 9, 64, 64, 3)
