"""Models of random weights in the shapes of Stable Diffusion 1.5 and XL: their costs are real, their pictures noise."""

from pathlib import Path

import torch
from diffusers import (
    AutoencoderKL,
    DDIMScheduler,
    EulerDiscreteScheduler,
    StableDiffusionPipeline,
    StableDiffusionXLPipeline,
    UNet2DConditionModel,
)
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

from tests.fakes.tiny_model import tokenizer

TOKENS = 77
BETAS = {"beta_schedule": "scaled_linear", "beta_start": 0.00085, "beta_end": 0.012}
LARGE = {"hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12, "num_attention_heads": 12}
BIG_G = {"hidden_size": 1280, "intermediate_size": 5120, "num_hidden_layers": 32, "num_attention_heads": 20}


def save_sd15(folder: Path) -> None:
    """860 M parameters of U-Net, 123 M of text encoder."""
    StableDiffusionPipeline(
        vae=_autoencoder(0.18215),
        text_encoder=CLIPTextModel(CLIPTextConfig(**LARGE)),
        tokenizer=tokenizer(TOKENS),
        unet=UNet2DConditionModel(cross_attention_dim=768, sample_size=64),
        scheduler=DDIMScheduler(clip_sample=False, steps_offset=1, **BETAS),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    ).to(torch.bfloat16).save_pretrained(folder)


def save_sdxl(folder: Path) -> None:
    """2.6 G parameters of U-Net, 0.8 G of text encoders."""
    StableDiffusionXLPipeline(
        vae=_autoencoder(0.13025),
        text_encoder=CLIPTextModel(CLIPTextConfig(**LARGE)),
        text_encoder_2=CLIPTextModelWithProjection(CLIPTextConfig(projection_dim=1280, **BIG_G)),
        tokenizer=tokenizer(TOKENS),
        tokenizer_2=tokenizer(TOKENS),
        unet=UNet2DConditionModel(
            sample_size=128,
            block_out_channels=(320, 640, 1280),
            down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
            up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
            transformer_layers_per_block=(1, 2, 10),
            attention_head_dim=(5, 10, 20),
            cross_attention_dim=2048,
            use_linear_projection=True,
            addition_embed_type="text_time",
            addition_time_embed_dim=256,
            projection_class_embeddings_input_dim=2816,
        ),
        scheduler=EulerDiscreteScheduler(**BETAS),
        add_watermarker=False,
    ).to(torch.bfloat16).save_pretrained(folder)


def _autoencoder(scaling_factor: float) -> AutoencoderKL:
    return AutoencoderKL(
        block_out_channels=(128, 256, 512, 512),
        layers_per_block=2,
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        latent_channels=4,
        sample_size=512,
        scaling_factor=scaling_factor,
    )
