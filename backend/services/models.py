"""The catalogue as users may see it: what each model takes, not where its weights are."""

from dataclasses import dataclass

from shared.catalog import Catalog, Model
from shared.entries import Limits, Lora
from shared.generation import Kind


@dataclass(frozen=True, kw_only=True)
class Offer:
    """One model; what none of its kinds has any use for is None."""

    id: str
    description: str
    kinds: list[Kind]
    default_for: list[Kind]
    width: Limits
    height: Limits
    steps: Limits
    guidance_scale: Limits
    num_images: Limits
    strength: Limits | None
    num_frames: Limits | None
    fps: Limits | None
    max_images: int
    sampling_methods: list[str]
    loras: list[Lora]


class Models:
    """All models, in the catalogue's order."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    def offers(self) -> list[Offer]:
        return [self._offer(model) for model in self._catalog.models.values()]

    def _offer(self, model: Model) -> Offer:
        kinds = [kind for kind in Kind if kind in model.kinds]
        return Offer(
            id=model.id,
            description=model.description,
            kinds=kinds,
            default_for=[kind for kind in kinds if self._catalog.default(kind) is model],
            width=model.width,
            height=model.height,
            steps=model.steps,
            guidance_scale=model.guidance_scale,
            num_images=model.num_images,
            strength=(model.strength or None) if Kind.IMAGE_TO_IMAGE in kinds else None,
            num_frames=model.num_frames,
            fps=model.fps,
            max_images=model.max_images if any(kind.takes_images for kind in kinds) else 0,
            sampling_methods=list(model.sampling_methods),
            loras=list(model.loras),
        )
