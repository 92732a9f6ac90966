"""Which kinds of task the models of diffusers' pipeline classes make, for who has no diffusers: the web tier."""

import json
from collections.abc import Collection, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from shared.generation import Kind

# Without the "Pipeline" at their ends. A test holds this to what the worker finds in diffusers.
CLASSES = {
    (Kind.TEXT_TO_IMAGE, Kind.IMAGE_TO_IMAGE): """
        Flux2Klein Flux2 FluxControlImg2Img FluxControlNetImg2Img FluxControlNet FluxControl FluxImg2Img
        FluxKontext Flux IFImg2Img IF Kandinsky3Img2Img Kandinsky3 KandinskyCombined KandinskyImg2ImgCombined
        KandinskyV22Combined KandinskyV22Img2ImgCombined LatentConsistencyModelImg2Img LatentConsistencyModel
        QwenImageImg2Img QwenImage StableDiffusion3Img2Img StableDiffusion3PAGImg2Img StableDiffusion3PAG
        StableDiffusion3 StableDiffusionControlNetImg2Img StableDiffusionControlNet StableDiffusionImg2Img
        StableDiffusionPAGImg2Img StableDiffusionPAG StableDiffusion StableDiffusionXLControlNetImg2Img
        StableDiffusionXLControlNetPAGImg2Img StableDiffusionXLControlNetPAG StableDiffusionXLControlNet
        StableDiffusionXLControlNetUnionImg2Img StableDiffusionXLControlNetUnion StableDiffusionXLImg2Img
        StableDiffusionXLPAGImg2Img StableDiffusionXLPAG StableDiffusionXL ZImageImg2Img ZImage
    """,
    (Kind.TEXT_TO_IMAGE,): """
        AuraFlow Chroma CogView3Plus CogView4Control CogView4 GlmImage Helios HeliosPyramid HunyuanDiTPAG
        HunyuanDiT Ideogram4 Krea2 Lumina2 Lumina NucleusMoEImage OvisImage PRX PixArtAlpha PixArtSigmaPAG
        PixArtSigma QwenImage21 QwenImageControlNet SanaPAG Sana StableCascadeCombined
        StableDiffusion3ControlNet StableDiffusionControlNetPAG WuerstchenCombined ZImageControlNetInpaint
        ZImageControlNet ZImageOmni
    """,
    (Kind.TEXT_TO_VIDEO,): "AnimateDiff AnyFlow CogVideoX HunyuanVideo Mochi Wan",
    (Kind.IMAGE_TO_VIDEO,): "AnyFlowFAR CogVideoXImageToVideo WanImageToVideo",
    (Kind.TEXT_TO_VIDEO, Kind.IMAGE_TO_VIDEO): "LTXCondition LTXImageToVideo LTX",
    (Kind.IMAGE_TO_IMAGE,): "QwenImageEdit QwenImageEditPlus QwenImageLayered",
}
BY_CLASS = {f"{name}Pipeline": frozenset(kinds) for kinds, names in CLASSES.items() for name in names.split()}
BOTH_KINDS = frozenset({Kind.TEXT_TO_VIDEO, Kind.IMAGE_TO_VIDEO})
# Classes whose weights are for one kind of video, unless they say by this that they are for both: Wan's small model of
# 2.2 does, and motion modules that have learnt to go by a first frame.
FOR_BOTH = {
    "WanPipeline": "expand_timesteps",
    "WanImageToVideoPipeline": "expand_timesteps",
    "AnimateDiffPipeline": "takes_first_frame",
}
ANIMATED = "AnimateDiffPipeline"


def kinds_of(came_with: str, index: Mapping[str, Any] = MappingProxyType({})) -> frozenset[Kind]:
    """What models of this class make; `index` is what else the model's own one says."""
    if came_with in FOR_BOTH and index.get(FOR_BOTH[came_with]):
        return BOTH_KINDS
    return BY_CLASS.get(came_with, frozenset())


def lacking(kinds: Collection[Kind], folder: Path, pipeline: str | None, motion: str | None) -> frozenset[Kind]:
    """Which of them the model in this folder does not make; none of them where its class is not known.

    `pipeline` is the class that its entry names, which counts more; with a `motion` adapter it is AnimateDiff's. What
    an adapter has learnt that is not here, as in a container of the web tier alone, is left to the entry.
    """
    index = described(folder / "model_index.json")
    if motion:
        pipeline = ANIMATED
        index |= described(Path(motion) / "config.json") or {FOR_BOTH[ANIMATED]: True}
    came_with = pipeline or index.get("_class_name")
    return frozenset(kinds) - kinds_of(came_with, index) if isinstance(came_with, str) else frozenset()


def described(file: Path) -> dict[str, Any]:
    """What one of a model's JSON files says; nothing where it cannot be read."""
    try:
        found = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
