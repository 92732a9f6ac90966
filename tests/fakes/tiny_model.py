"""A Stable Diffusion pipeline that is true in architecture and tiny in size; its weights are random."""

import string
from pathlib import Path

import torch
from diffusers import AutoencoderKL, DDIMScheduler, StableDiffusionPipeline, UNet2DConditionModel
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

WIDTH = 16


def save_tiny_model(folder: Path) -> None:
    """Build and save it; the picture of a prompt and seed is noise, and always the same noise."""
    torch.manual_seed(0)
    StableDiffusionPipeline(
        vae=_autoencoder(),
        text_encoder=_text_encoder(),
        tokenizer=tokenizer(),
        unet=_unet(),
        scheduler=DDIMScheduler(clip_sample=False, steps_offset=1),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    ).save_pretrained(folder)


def _autoencoder() -> AutoencoderKL:
    return AutoencoderKL(
        block_out_channels=(8, 8, 8, 8),
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        latent_channels=4,
        norm_num_groups=4,
        sample_size=64,
    )


def _unet() -> UNet2DConditionModel:
    return UNet2DConditionModel(
        block_out_channels=(8, 8),
        layers_per_block=1,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        cross_attention_dim=WIDTH,
        attention_head_dim=4,
        norm_num_groups=4,
        sample_size=8,
    )


def _text_encoder() -> CLIPTextModel:
    config = CLIPTextConfig(
        vocab_size=len(vocabulary()),
        hidden_size=WIDTH,
        intermediate_size=WIDTH,
        num_attention_heads=2,
        num_hidden_layers=1,
        max_position_embeddings=16,
        bos_token_id=0,
        eos_token_id=1,
        pad_token_id=1,
    )
    return CLIPTextModel(config).eval()


def tokenizer() -> CLIPTokenizer:
    """Reads letter by letter."""
    return CLIPTokenizer(
        vocab=vocabulary(),
        merges=[],
        unk_token="<unk>",
        bos_token="<|startoftext|>",
        eos_token="<|endoftext|>",
        pad_token="<|endoftext|>",
        model_max_length=16,
    )


def vocabulary() -> dict[str, int]:
    """Letters, letters at a word's end, and the special pieces."""
    letters = [*string.ascii_lowercase, *(letter + "</w>" for letter in string.ascii_lowercase)]
    pieces = ["<|startoftext|>", "<|endoftext|>", "<unk>", *letters]
    return {piece: number for number, piece in enumerate(pieces)}
