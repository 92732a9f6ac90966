"""Stable Diffusion 1 as a single file, its weights under the names that its authors and A1111 have for them."""

import re
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

OUTSIDE = {
    "time_embedding.linear_1": "time_embed.0",
    "time_embedding.linear_2": "time_embed.2",
    "conv_in": "input_blocks.0.0",
    "conv_norm_out": "out.0",
    "conv_out": "out.2",
}
RESIDUAL = {
    "norm1": "in_layers.0",
    "conv1": "in_layers.2",
    "norm2": "out_layers.0",
    "conv2": "out_layers.3",
    "time_emb_proj": "emb_layers.1",
    "conv_shortcut": "skip_connection",
}
AUTOENCODER = {
    "conv_norm_out": "norm_out",
    "conv_shortcut": "nin_shortcut",
    "down_blocks": "down",
    "resnets": "block",
    "downsamplers.0.conv": "downsample.conv",
    "upsamplers.0.conv": "upsample.conv",
    "mid_block.attentions.0": "mid.attn_1",
    "group_norm": "norm",
    "to_q": "q",
    "to_k": "k",
    "to_v": "v",
    "to_out.0": "proj_out",
}
PLACE = re.compile(r"(down|mid|up)_blocks?\.(?:(\d+)\.)?(resnets|attentions|downsamplers|upsamplers)\.(\d+)\.(.+)")


def save_checkpoint(pipeline: Any, file: Path) -> None:
    """All weights of the pipeline's networks."""
    each, blocks = pipeline.unet.config.layers_per_block + 1, len(pipeline.vae.config.up_block_types)
    tensors: dict[str, torch.Tensor] = {}
    for name, tensor in pipeline.unet.state_dict().items():
        tensors[f"model.diffusion_model.{_of_network(name, each)}"] = tensor
    for name, tensor in pipeline.vae.state_dict().items():
        was_convolution = "attentions" in name and tensor.ndim == 2
        theirs = tensor[..., None, None] if was_convolution else tensor
        tensors[f"first_stage_model.{_of_autoencoder(name, blocks)}"] = theirs
    for name, tensor in pipeline.text_encoder.state_dict().items():
        tensors[f"cond_stage_model.transformer.text_model.{name.removeprefix('text_model.')}"] = tensor
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, file)


def _of_network(name: str, each: int) -> str:
    """Blocks are counted through: `each` of their layers, with what is between two of them, is one of theirs."""
    if not (place := PLACE.fullmatch(name)):
        return _renamed(name, OUTSIDE)
    side, block, part, number, rest = place.groups()
    first = int(block or 0) * each
    if part == "downsamplers":
        return f"input_blocks.{first + each}.0.op.{rest.removeprefix('conv.')}"
    if part == "upsamplers":  # behind the attention
        return f"output_blocks.{first + each - 1}.2.{rest}"
    attends = part == "attentions"
    rest = rest if attends else _renamed(rest, RESIDUAL)
    if side == "mid":
        return f"middle_block.{1 if attends else 2 * int(number)}.{rest}"
    where = f"input_blocks.{1 + first + int(number)}" if side == "down" else f"output_blocks.{first + int(number)}"
    return f"{where}.{int(attends)}.{rest}"


def _of_autoencoder(name: str, blocks: int) -> str:
    """Its blocks on the way up are counted from the last one."""
    name = re.sub(r"mid_block\.resnets\.(\d)", lambda found: f"mid.block_{int(found[1]) + 1}", name)
    name = re.sub(r"up_blocks\.(\d)", lambda found: f"up.{blocks - 1 - int(found[1])}", name)
    return _renamed(name, AUTOENCODER)


def _renamed(name: str, names: dict[str, str]) -> str:
    for ours, theirs in names.items():
        name = name.replace(ours, theirs)
    return name
