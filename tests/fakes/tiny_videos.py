"""Pipelines of the video families that are served, true in architecture and tiny in size; their weights are random."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch
from diffusers import (
    AutoencoderKLCogVideoX,
    AutoencoderKLLTXVideo,
    AutoencoderKLWan,
    CogVideoXDDIMScheduler,
    CogVideoXImageToVideoPipeline,
    CogVideoXPipeline,
    CogVideoXTransformer3DModel,
    FlowMatchEulerDiscreteScheduler,
    LTXConditionPipeline,
    LTXPipeline,
    LTXVideoTransformer3DModel,
    MotionAdapter,
    UniPCMultistepScheduler,
    WanImageToVideoPipeline,
    WanPipeline,
    WanTransformer3DModel,
)
from transformers import CLIPImageProcessor, CLIPVisionConfig, CLIPVisionModel, UMT5Config, UMT5EncoderModel

from tests.fakes.tiny_families import t5, words
from tests.fakes.tiny_model import WIDTH, save_tiny_model, vocabulary

MOTION = "motion_adapter"
LATENTS = 16  # as many as Wan's means and deviations


def save_wan(folder: Path) -> None:
    """Text to video; a sampler that matches flows though it has a noise schedule too."""
    torch.manual_seed(11)
    WanPipeline(transformer=_wan_transformer(LATENTS), **_wan()).save_pretrained(folder)


def save_wan_i2v(folder: Path) -> None:
    """Wan 2.1's other model: sees the reference through an encoder of its own as well as in the latents."""
    torch.manual_seed(12)
    size = {"hidden_size": 8, "intermediate_size": 8, "num_hidden_layers": 2, "num_attention_heads": 2}
    WanImageToVideoPipeline(
        transformer=_wan_transformer(2 * LATENTS + 4, image_dim=8),
        image_encoder=CLIPVisionModel(CLIPVisionConfig(**size, image_size=16, patch_size=8)).eval(),
        image_processor=CLIPImageProcessor(size={"shortest_edge": 16}, crop_size={"height": 16, "width": 16}),
        **_wan(),
    ).save_pretrained(folder)


def save_wan_twice(folder: Path) -> None:
    """Wan 2.2's large model: one network for the noisy steps, one for the others; no encoder of its own."""
    torch.manual_seed(16)
    first, second = (_wan_transformer(2 * LATENTS + 4) for _ in range(2))
    WanImageToVideoPipeline(transformer=first, transformer_2=second, boundary_ratio=0.9, **_wan()).save_pretrained(
        folder
    )


def save_wan_both(folder: Path) -> None:
    """Wan 2.2's small model, whose weights make both kinds."""
    torch.manual_seed(13)
    WanPipeline(transformer=_wan_transformer(LATENTS), expand_timesteps=True, **_wan()).save_pretrained(folder)


def save_ltx(folder: Path, pipeline: Any = LTXPipeline, newer: bool = False) -> None:
    """Eight frames and 32 x 32 pixels in one latent; newer ones have a decoder that takes off the last noise."""
    torch.manual_seed(14)
    pipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=not newer),
        vae=AutoencoderKLLTXVideo(
            latent_channels=8,
            block_out_channels=(8, 8, 8, 8),
            decoder_block_out_channels=(8, 8, 8),
            layers_per_block=(1, 1, 1, 1, 1),
            decoder_layers_per_block=(1, 1, 1, 1),
            spatio_temporal_scaling=(True, True, True, False),
            decoder_spatio_temporal_scaling=(True, True, True),
            decoder_inject_noise=(False, False, False, False),
            upsample_residual=(False, False, False),
            upsample_factor=(1, 1, 1),
            timestep_conditioning=newer,
        ),
        text_encoder=t5(WIDTH),
        tokenizer=words(),
        transformer=LTXVideoTransformer3DModel(
            in_channels=8,
            out_channels=8,
            num_attention_heads=2,
            attention_head_dim=8,
            cross_attention_dim=WIDTH,
            caption_channels=WIDTH,
            num_layers=1,
        ),
    ).save_pretrained(folder)


def save_cogvideox(folder: Path, pipeline: Any = CogVideoXPipeline, channels: int = 4) -> None:
    """Its latents are decoded two at a time; a noise schedule that no other model has."""
    torch.manual_seed(15)
    pipeline(
        tokenizer=words(),
        text_encoder=t5(WIDTH),
        vae=AutoencoderKLCogVideoX(
            down_block_types=("CogVideoXDownBlock3D",) * 4,
            up_block_types=("CogVideoXUpBlock3D",) * 4,
            block_out_channels=(4, 4, 4, 4),
            latent_channels=4,
            layers_per_block=1,
            norm_num_groups=2,
        ),
        transformer=CogVideoXTransformer3DModel(
            num_attention_heads=2,
            attention_head_dim=8,
            in_channels=channels,
            out_channels=4,
            time_embed_dim=8,
            text_embed_dim=WIDTH,
            num_layers=1,
            sample_width=8,
            sample_height=8,
            sample_frames=9,
        ),
        scheduler=CogVideoXDDIMScheduler(prediction_type="v_prediction", rescale_betas_zero_snr=True),
    ).save_pretrained(folder)


def save_animatediff(folder: Path, takes_first_frame: bool = False) -> None:
    """Stable Diffusion, and motion modules for it in a folder of their own."""
    save_tiny_model(folder)
    torch.manual_seed(17)
    adapter = MotionAdapter(
        block_out_channels=(8, 8), motion_layers_per_block=1, motion_num_attention_heads=2, motion_norm_num_groups=4
    )
    if takes_first_frame:
        adapter.register_to_config(takes_first_frame=True)
    adapter.save_pretrained(folder / MOTION)


FAMILIES: dict[str, Callable[[Path], None]] = {
    "wan": save_wan,
    "wan-i2v": save_wan_i2v,
    "wan-twice": save_wan_twice,
    "wan-both": save_wan_both,
    "ltx": save_ltx,
    "ltx-condition": partial(save_ltx, pipeline=LTXConditionPipeline, newer=True),
    "cogvideox": save_cogvideox,
    "cogvideox-i2v": partial(save_cogvideox, pipeline=CogVideoXImageToVideoPipeline, channels=8),
    "animatediff": save_animatediff,
    "animatediff-first": partial(save_animatediff, takes_first_frame=True),
}


def _wan() -> dict[str, Any]:
    encoder = UMT5Config(vocab_size=len(vocabulary()), d_model=WIDTH, d_kv=8, d_ff=16, num_layers=1, num_heads=2)
    return {
        "tokenizer": words(),
        "text_encoder": UMT5EncoderModel(encoder).eval(),
        "vae": AutoencoderKLWan(base_dim=4, z_dim=LATENTS, dim_mult=[1, 1, 1, 1], num_res_blocks=1),
        "scheduler": UniPCMultistepScheduler(
            prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=3.0, num_train_timesteps=1000
        ),
    }


def _wan_transformer(channels: int, image_dim: int | None = None) -> WanTransformer3DModel:
    return WanTransformer3DModel(
        num_attention_heads=2,
        attention_head_dim=12,
        in_channels=channels,
        out_channels=LATENTS,
        text_dim=WIDTH,
        freq_dim=16,
        ffn_dim=16,
        num_layers=2,
        image_dim=image_dim,
        rope_max_seq_len=32,
    )
