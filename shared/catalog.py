"""The models that this service offers, read from a `models.toml`.

Owns what each model can do, its limits and defaults, and fits a request into them. Does not load a model.
"""

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from shared.errors import Invalid
from shared.generation import SEED_LIMIT, Kind, Parameters

SamplingMethod = Literal["DDIM", "DPM++ 2M", "DPM++ 2M Karras", "Euler", "Euler a", "UniPC"]
SAMPLING_METHODS: tuple[str, ...] = get_args(SamplingMethod)


class InvalidCatalog(Exception):
    """The models file cannot be read or contradicts itself."""


class Entry(BaseModel):
    """Base of what stands in the file."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Limits(Entry):
    """The smallest and largest value of a parameter, and the one taken when none is given."""

    min: float
    max: float
    default: float

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if not self.min <= self.default <= self.max:
            raise ValueError("min <= default <= max must hold")
        return self

    def fit(self, field: str, value: float | None) -> float:
        """`value`, or the default for None. Raises Invalid naming the field outside the limits."""
        if value is None:
            return self.default
        if not self.min <= value <= self.max:
            raise Invalid.of(f"parameters.{field}", "out_of_range", min=f"{self.min:g}", max=f"{self.max:g}")
        return value


class Model(Entry):
    """One model. `source` is a hub id or a path (relative to the models file); `max_batch` pictures run in one call.

    `max_images` is how many references one task may have; `num_frames` and `fps` are there for models that make video.
    """

    id: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._/-]{0,127}$")
    source: str
    revision: str | None = None
    description: str = ""
    kinds: Annotated[frozenset[Kind], Field(min_length=1)]
    dtype: Literal["auto", "float32", "float16", "bfloat16"] = "auto"
    width: Limits
    height: Limits
    multiple: int = Field(8, ge=1)
    steps: Limits
    guidance_scale: Limits
    sampling_methods: tuple[SamplingMethod, ...] = Field(min_length=1)
    num_images: Limits = Limits(min=1, max=8, default=1)
    strength: Limits = Limits(min=0.05, max=1, default=0.6)
    num_frames: Limits | None = None
    fps: Limits | None = None
    max_images: int = Field(1, ge=1, le=8)
    max_batch: int = Field(1, ge=1)

    @model_validator(mode="after")
    def _video_has_frames(self) -> Self:
        if any(kind.makes_video for kind in self.kinds) and not (self.num_frames and self.fps):
            raise ValueError("a model that makes video needs num_frames and fps")
        return self

    def refuse_images(self, kind: Kind, count: int) -> None:
        """Raises Invalid when so many reference images do not go with this kind of task on this model."""
        if kind.takes_images and not count:
            raise Invalid.of("images", "images_missing", kind=kind.value)
        if not kind.takes_images and count:
            raise Invalid.of("images", "images_unexpected", kind=kind.value)
        if count > self.max_images:
            raise Invalid.of("images", "images_too_many", max=self.max_images)

    def fit(
        self, kind: Kind, requested: Mapping[str, Any], seed: int, like: tuple[int, int] | None = None
    ) -> Parameters:
        """Complete parameters from those that were asked for; `seed` serves when none was.

        Without a size the result has the proportions of `like` (width, height of a reference), where there is one.
        Raises Invalid naming the field for a value outside this model's limits, or one that this kind has no use for.
        """
        chosen: dict[str, Any] = {
            **self._size(requested, like),
            "steps": int(self.steps.fit("steps", requested.get("steps"))),
            "seed": requested["seed"] if requested.get("seed") is not None else seed,
            "guidance_scale": float(self.guidance_scale.fit("guidance_scale", requested.get("guidance_scale"))),
            "negative_prompt": requested.get("negative_prompt") or "",
            "sampling_method": self._sampling_method(requested.get("sampling_method")),
            "num_images": int(self.num_images.fit("num_images", requested.get("num_images"))),
            **self._of_kind(kind, requested),
        }
        if chosen["seed"] + chosen["num_images"] > SEED_LIMIT:
            raise Invalid.of("parameters.seed", "less_than", lt=SEED_LIMIT - chosen["num_images"] + 1)
        return Parameters(model=self.id, **chosen)

    def _size(self, requested: Mapping[str, Any], like: tuple[int, int] | None) -> dict[str, int]:
        asked = {name: requested.get(name) for name in ("width", "height")}
        if like and asked == {"width": None, "height": None}:
            scale = math.sqrt(self.width.default * self.height.default / (like[0] * like[1]))
            whole = [max(1, round(side * scale / self.multiple)) * self.multiple for side in like]
            return {
                "width": int(min(max(whole[0], self.width.min), self.width.max)),
                "height": int(min(max(whole[1], self.height.min), self.height.max)),
            }
        return {
            "width": int(self.width.fit("width", asked["width"])),
            "height": int(self.height.fit("height", asked["height"])),
        }

    def _of_kind(self, kind: Kind, requested: Mapping[str, Any]) -> dict[str, Any]:
        limits: dict[str, Limits] = {}
        if kind is Kind.IMAGE_TO_IMAGE:
            limits["strength"] = self.strength
        if kind.makes_video and self.num_frames and self.fps:
            limits |= {"num_frames": self.num_frames, "fps": self.fps}
        for name in {"strength", "num_frames", "fps"} - limits.keys():
            if requested.get(name) is not None:
                raise Invalid.of(f"parameters.{name}", "not_applicable", kind=kind.value)
        fitted = {name: limit.fit(name, requested.get(name)) for name, limit in limits.items()}
        return {name: float(value) if name == "strength" else int(value) for name, value in fitted.items()}

    def _sampling_method(self, name: str | None) -> str:
        known: dict[str, str] = {method.casefold(): method for method in self.sampling_methods}
        if name is not None and name.casefold() not in known:
            choices = ", ".join(self.sampling_methods)
            raise Invalid.of("parameters.sampling_method", "unknown_sampling_method", choices=choices)
        return known[name.casefold()] if name else self.sampling_methods[0]


class ModelsFile(Entry):
    """The whole file."""

    models: tuple[Model, ...] = Field(min_length=1)


@dataclass(frozen=True)
class Catalog:
    """The models by id, in the file's order: the first one that can do a kind is its default."""

    models: Mapping[str, Model]

    @classmethod
    def read(cls, path: Path) -> Self:
        """Raises InvalidCatalog saying where the file is wrong."""
        try:
            entries = ModelsFile.model_validate(tomllib.loads(path.read_text("utf-8"))).models
        except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise InvalidCatalog(f"{path}: {error}") from error
        except ValidationError as error:
            first = error.errors()[0]
            raise InvalidCatalog(f"{path}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from None
        models = {entry.id: entry.model_copy(update={"source": _located(entry.source, path)}) for entry in entries}
        if len(models) < len(entries):
            raise InvalidCatalog(f"{path}: two models have the same id")
        return cls(models)

    def default(self, kind: Kind) -> Model | None:
        """The model that makes this kind when none is named."""
        return next((model for model in self.models.values() if kind in model.kinds), None)

    def choose(self, kind: Kind, name: str | None) -> Model:
        """The named model, or the default of this kind. Raises Invalid naming what no model can do."""
        able = [model for model in self.models.values() if kind in model.kinds]
        if not able:
            raise Invalid.of("type", "unsupported_kind", kind=kind.value)
        if name is None:
            return able[0]
        if name not in self.models:
            raise Invalid.of("parameters.model", "unknown_model", choices=", ".join(model.id for model in able))
        if kind not in self.models[name].kinds:
            raise Invalid.of("parameters.model", "model_lacks_kind", kind=kind.value)
        return self.models[name]


def _located(source: str, models_file: Path) -> str:
    """A path that exists beside the models file, made absolute; anything else is a hub id and stays."""
    path = models_file.parent / Path(source).expanduser()
    return str(path.resolve()) if path.exists() else source
