"""The models that tasks may name."""

from pydantic import BaseModel, ConfigDict, RootModel

from shared.generation import Kind


class Limits(BaseModel):
    min: float
    max: float
    default: float


class Lora(BaseModel):
    name: str
    description: str
    weight: Limits


class Model(BaseModel):
    """What a task of this model may ask for, and what it gets when it does not. None: the model has no such thing."""

    model_config = ConfigDict(protected_namespaces=())

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


class Models(RootModel[list[Model]]):
    """In the catalogue's order."""
