"""LoRAs of random weights for the tiny models."""

from pathlib import Path

import torch
from diffusers import DiffusionPipeline
from peft import LoraConfig
from peft.utils import get_peft_model_state_dict

TARGETS = {"unet": "unet_lora_layers", "transformer": "transformer_lora_layers"}


def save_lora(model: Path, file: Path, seed: int) -> None:
    """Random ones for the attention of the network of this model, in diffusers' own format."""
    torch.manual_seed(seed)
    pipeline = DiffusionPipeline.from_pretrained(model)
    part = next(name for name in TARGETS if hasattr(pipeline, name))
    network = getattr(pipeline, part)
    network.add_adapter(LoraConfig(r=2, lora_alpha=2, init_lora_weights=False, target_modules=["to_q", "to_v"]))
    layers = {name: tensor * 4 for name, tensor in get_peft_model_state_dict(network).items()}
    type(pipeline).save_lora_weights(file.parent, weight_name=file.name, **{TARGETS[part]: layers})


def save_text_lora(model: Path, file: Path, seed: int) -> None:
    """Random ones for the attention of the first text encoder."""
    torch.manual_seed(seed)
    pipeline = DiffusionPipeline.from_pretrained(model)
    encoder = pipeline.text_encoder
    encoder.add_adapter(LoraConfig(r=2, lora_alpha=2, init_lora_weights=False, target_modules=["q_proj", "v_proj"]))
    layers = {name: tensor * 4 for name, tensor in get_peft_model_state_dict(encoder).items()}
    type(pipeline).save_lora_weights(file.parent, weight_name=file.name, text_encoder_lora_layers=layers)
