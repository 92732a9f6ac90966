"""Pipelines of the families that are served, true in architecture and tiny in size; their weights are random."""

from collections.abc import Callable
from pathlib import Path

import torch
from diffusers import (
    DDIMScheduler,
    EulerDiscreteScheduler,
    FlowMatchEulerDiscreteScheduler,
    FluxPipeline,
    FluxTransformer2DModel,
    PixArtSigmaPipeline,
    PixArtTransformer2DModel,
    SD3Transformer2DModel,
    StableDiffusion3Pipeline,
    StableDiffusionXLPipeline,
    UNet2DConditionModel,
    ZImagePipeline,
    ZImageTransformer2DModel,
)
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Split
from transformers import (
    CLIPTextModel,
    CLIPTextModelWithProjection,
    PreTrainedTokenizerFast,
    Qwen3Config,
    Qwen3Model,
    T5Config,
    T5EncoderModel,
)

from tests.fakes.tiny_model import WIDTH, autoencoder, clip_config, save_tiny_model, tokenizer, vocabulary

CHAT = "{% for message in messages %}{{ message['content'] }}{% endfor %}"


def save_sdxl(folder: Path) -> None:
    """Two text encoders, the second one pooled, and sizes as conditions."""
    torch.manual_seed(1)
    StableDiffusionXLPipeline(
        vae=autoencoder(4),
        text_encoder=CLIPTextModel(clip_config()).eval(),
        text_encoder_2=CLIPTextModelWithProjection(clip_config()).eval(),
        tokenizer=tokenizer(),
        tokenizer_2=tokenizer(),
        unet=UNet2DConditionModel(
            block_out_channels=(8, 8),
            layers_per_block=1,
            down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
            up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
            cross_attention_dim=2 * WIDTH,
            attention_head_dim=4,
            norm_num_groups=4,
            sample_size=8,
            use_linear_projection=True,
            addition_embed_type="text_time",
            addition_time_embed_dim=8,
            projection_class_embeddings_input_dim=6 * 8 + WIDTH,
        ),
        scheduler=EulerDiscreteScheduler(beta_schedule="scaled_linear", beta_start=0.00085, beta_end=0.012),
        add_watermarker=False,
    ).save_pretrained(folder)


def save_sd3(folder: Path) -> None:
    """Three text encoders and joint attention; flow matching."""
    torch.manual_seed(2)
    StableDiffusion3Pipeline(
        transformer=SD3Transformer2DModel(
            sample_size=16,
            patch_size=2,
            in_channels=4,
            out_channels=4,
            num_layers=2,
            attention_head_dim=8,
            num_attention_heads=4,
            joint_attention_dim=2 * WIDTH,
            caption_projection_dim=32,
            pooled_projection_dim=2 * WIDTH,
            pos_embed_max_size=32,
        ),
        scheduler=FlowMatchEulerDiscreteScheduler(shift=3.0),
        vae=autoencoder(4, shift_factor=0.06),
        text_encoder=CLIPTextModelWithProjection(clip_config()).eval(),
        tokenizer=tokenizer(),
        text_encoder_2=CLIPTextModelWithProjection(clip_config()).eval(),
        tokenizer_2=tokenizer(),
        text_encoder_3=t5(2 * WIDTH),
        tokenizer_3=words(),
    ).save_pretrained(folder)


def save_flux(folder: Path) -> None:
    """Guidance as an input of the network; latents packed in twos."""
    torch.manual_seed(3)
    FluxPipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=True, shift=3.0),
        vae=autoencoder(1, shift_factor=0.06),
        text_encoder=CLIPTextModel(clip_config()).eval(),
        tokenizer=tokenizer(),
        text_encoder_2=t5(WIDTH),
        tokenizer_2=words(),
        transformer=FluxTransformer2DModel(
            patch_size=1,
            in_channels=4,
            num_layers=2,
            num_single_layers=1,
            attention_head_dim=16,
            num_attention_heads=2,
            joint_attention_dim=WIDTH,
            pooled_projection_dim=WIDTH,
            guidance_embeds=True,
            axes_dims_rope=(4, 4, 8),
        ),
    ).save_pretrained(folder)


def save_z_image(folder: Path) -> None:
    """A single stream of text and picture, lists instead of padding, a language model as text encoder."""
    torch.manual_seed(4)
    transformer = ZImageTransformer2DModel(
        in_channels=4,
        dim=32,
        n_layers=1,
        n_refiner_layers=1,
        n_heads=2,
        n_kv_heads=2,
        cap_feat_dim=WIDTH,
        axes_dims=[4, 4, 8],
        axes_lens=[1024, 64, 64],
    )
    for pad in (transformer.x_pad_token, transformer.cap_pad_token):
        torch.nn.init.normal_(pad)
    encoder = Qwen3Config(
        vocab_size=len(vocabulary()),
        hidden_size=WIDTH,
        intermediate_size=WIDTH,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=2,
        head_dim=8,
    )
    ZImagePipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(shift=3.0),
        vae=autoencoder(4, shift_factor=0.06),
        text_encoder=Qwen3Model(encoder).eval(),
        tokenizer=words(),
        transformer=transformer,
    ).save_pretrained(folder)


def save_pixart(folder: Path) -> None:
    """A class that takes no callback, and no reference."""
    torch.manual_seed(5)
    PixArtSigmaPipeline(
        scheduler=DDIMScheduler(),
        vae=autoencoder(4),
        text_encoder=t5(WIDTH),
        tokenizer=words(),
        transformer=PixArtTransformer2DModel(
            num_attention_heads=2,
            attention_head_dim=8,
            num_layers=1,
            cross_attention_dim=2 * 8,
            caption_channels=WIDTH,
            sample_size=8,
            use_additional_conditions=False,
        ),
    ).save_pretrained(folder)


FAMILIES: dict[str, Callable[[Path], None]] = {
    "sd15": save_tiny_model,
    "sdxl": save_sdxl,
    "sd3": save_sd3,
    "flux": save_flux,
    "z-image": save_z_image,
}


def t5(width: int) -> T5EncoderModel:
    config = T5Config(vocab_size=len(vocabulary()), d_model=width, d_kv=8, d_ff=16, num_layers=1, num_heads=2)
    return T5EncoderModel(config).eval()


def words() -> PreTrainedTokenizerFast:
    """A fast tokenizer that reads letter by letter."""
    letters = Tokenizer(WordLevel(vocabulary(), unk_token="<unk>"))
    letters.pre_tokenizer = Split("", "isolated")
    words = PreTrainedTokenizerFast(
        tokenizer_object=letters, unk_token="<unk>", pad_token="<|endoftext|>", eos_token="<|endoftext|>"
    )
    words.chat_template = CHAT
    return words
