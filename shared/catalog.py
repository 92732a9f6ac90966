"""The models that this service offers, read from a `models.toml`.

Owns what each model can do, its limits and defaults, and fits a request into them. Does not load a model.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from shared.errors import Invalid
from shared.generation import Kind, Parameters

SamplingMethod = Literal["DDIM", "DPM++ 2M", "DPM++ 2M Karras", "Euler", "Euler a", "UniPC"]
MadeKind = Literal[Kind.TEXT_TO_IMAGE]  # grows with worker/pipelines
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
            bounds = f"must be between {self.min:g} and {self.max:g}"
            raise Invalid.field(f"parameters.{field}", "out_of_range", bounds)
        return value


class Model(Entry):
    """One model. `source` is a hub id or a path (relative to the models file); `max_batch` pictures run in one call."""

    id: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._/-]{0,127}$")
    source: str
    revision: str | None = None
    description: str = ""
    kinds: Annotated[frozenset[MadeKind], Field(min_length=1)]
    dtype: Literal["auto", "float32", "float16", "bfloat16"] = "auto"
    width: Limits
    height: Limits
    multiple: int = Field(8, ge=1)
    steps: Limits
    guidance_scale: Limits
    sampling_methods: tuple[SamplingMethod, ...] = Field(min_length=1)
    num_images: Limits = Limits(min=1, max=8, default=1)
    max_batch: int = Field(1, ge=1)

    def fit(self, requested: Mapping[str, Any], seed: int) -> Parameters:
        """Complete parameters from those that were asked for; `seed` serves when none was.

        Raises Invalid naming the field for a value outside this model's limits.
        """
        return Parameters(
            model=self.id,
            width=int(self.width.fit("width", requested.get("width"))),
            height=int(self.height.fit("height", requested.get("height"))),
            steps=int(self.steps.fit("steps", requested.get("steps"))),
            seed=requested["seed"] if requested.get("seed") is not None else seed,
            guidance_scale=float(self.guidance_scale.fit("guidance_scale", requested.get("guidance_scale"))),
            negative_prompt=requested.get("negative_prompt") or "",
            sampling_method=self._sampling_method(requested.get("sampling_method")),
            num_images=int(self.num_images.fit("num_images", requested.get("num_images"))),
        )

    def _sampling_method(self, name: str | None) -> str:
        known: dict[str, str] = {method.casefold(): method for method in self.sampling_methods}
        if name is not None and name.casefold() not in known:
            choices = f"must be one of {', '.join(self.sampling_methods)}"
            raise Invalid.field("parameters.sampling_method", "unknown_sampling_method", choices)
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

    def choose(self, kind: Kind, name: str | None) -> Model:
        """The named model, or the default of this kind. Raises Invalid naming what no model can do."""
        able = [model for model in self.models.values() if kind in model.kinds]
        if not able:
            raise Invalid.field("type", "unsupported_kind", f"no model of this service makes {kind.value}")
        if name is None:
            return able[0]
        if name not in self.models:
            raise Invalid.field("parameters.model", "unknown_model", f"must be one of {', '.join(m.id for m in able)}")
        if kind not in self.models[name].kinds:
            raise Invalid.field("parameters.model", "unsupported_kind", f"this model does not make {kind.value}")
        return self.models[name]


def _located(source: str, models_file: Path) -> str:
    """A path that exists beside the models file, made absolute; anything else is a hub id and stays."""
    path = models_file.parent / Path(source).expanduser()
    return str(path.resolve()) if path.exists() else source
