"""The models that this service offers, read from a `models.toml`.

Owns what each model can do, its limits and defaults, and fits a request into them. Does not load a model.
"""

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, ValidationError, model_validator

from shared.entries import Entry, KnownWords, Limits, Lora, fit_loras
from shared.errors import Invalid
from shared.generation import SEED_LIMIT, Kind, Parameters
from shared.kinds import lacking
from shared.sampling import MOST_STEPS, SamplingMethod, canonical

FULL_PIXELS = 768 * 768  # above, one picture fills a device already: an H200 gains nothing at 1024 px
SINGLE_FILES = (".safetensors", ".ckpt")


class InvalidCatalog(Exception):
    """The models file cannot be read or contradicts itself."""


class Model(Entry):
    """One model. `source` is a hub id or a path, relative to the models file; a call makes up to `max_batch` pictures.

    A single file of weights needs the `pipeline` class that it is for, and without the hub a `config`: a folder in
    diffusers' format that may lack the weights. A `motion_adapter`, found like `source`, makes clips of a model of
    stills. `strength` is false for one that always sees the whole reference; a task may have `max_images` of those.
    """

    id: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._/-]{0,127}$")
    source: str
    revision: str | None = None
    pipeline: str | None = Field(None, pattern=r"^[A-Z][A-Za-z0-9]*Pipeline$")
    config: str | None = None
    motion_adapter: str | None = None
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
    strength: Limits | Literal[False] = Limits(min=0.05, max=1, default=0.6)
    num_frames: Limits | None = None
    fps: Limits | None = None
    max_images: int = Field(1, ge=1, le=8)
    max_batch: int = Field(1, ge=1)
    loras: tuple[Lora, ...] = ()
    profile: Literal["exact", "fast"] = "exact"
    safety_checker: bool = True
    vocabulary: KnownWords | None = None

    @property
    def single_file(self) -> bool:
        return self.source.endswith(SINGLE_FILES)

    @property
    def described_in(self) -> Path:
        """The folder in diffusers' format that says what it is, if that is here."""
        return Path(self.config or self.source)

    def usual_batch(self, width: int, height: int) -> int:
        """How many pictures share a call where nobody has measured how many pay.

        What one user's cached steps go by must not be another's, so a `fast` model makes one at a time; and one clip
        fills any device.
        """
        alone = self.profile == "fast" or all(kind.makes_video for kind in self.kinds)
        return 1 if alone or width * height > FULL_PIXELS else self.max_batch

    @model_validator(mode="after")
    def _video_has_frames(self) -> Self:
        if not any(kind.makes_video for kind in self.kinds):
            return self
        if not (self.num_frames and self.fps):
            raise ValueError("a model that makes video needs num_frames and fps")
        if any(side % 2 for limits in (self.width, self.height) for side in (limits.min, limits.max, limits.default)):
            raise ValueError("a model that makes video needs even limits of width and height")
        if self.multiple % 2:
            raise ValueError("a model that makes video needs an even multiple")
        return self

    @model_validator(mode="after")
    def _single_file_has_a_class(self) -> Self:
        if self.single_file and not self.pipeline:
            raise ValueError("a single file of weights needs the pipeline class that it is for")
        return self

    @model_validator(mode="after")
    def _loras_have_their_own_names(self) -> Self:
        if len({lora.name for lora in self.loras}) < len(self.loras):
            raise ValueError("two loras have the same name")
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
        method = self._sampling_method(requested.get("sampling_method"))
        steps = self.steps.at_most(MOST_STEPS.get(method, math.inf))
        chosen: dict[str, Any] = {
            **self._size(kind, requested, like),
            "steps": int(steps.fit("steps", requested.get("steps"))),
            "seed": requested["seed"] if requested.get("seed") is not None else seed,
            "guidance_scale": float(self.guidance_scale.fit("guidance_scale", requested.get("guidance_scale"))),
            "negative_prompt": requested.get("negative_prompt") or "",
            "sampling_method": method,
            "num_images": int(self.num_images.fit("num_images", requested.get("num_images"))),
            **self._of_kind(kind, requested),
            **self._on_request(requested),
        }
        if chosen["seed"] + chosen["num_images"] > SEED_LIMIT:
            raise Invalid.of("parameters.seed", "less_than", lt=SEED_LIMIT - chosen["num_images"] + 1)
        return Parameters(model=self.id, **chosen)

    def _size(self, kind: Kind, requested: Mapping[str, Any], like: tuple[int, int] | None) -> dict[str, int]:
        asked = {name: requested.get(name) for name in ("width", "height")}
        if like and asked == {"width": None, "height": None}:
            scale = math.sqrt(self.width.default * self.height.default / (like[0] * like[1]))
            whole = [max(1, round(side * scale / self.multiple)) * self.multiple for side in like]
            return {
                "width": int(min(max(whole[0], self.width.min), self.width.max)),
                "height": int(min(max(whole[1], self.height.min), self.height.max)),
            }
        fitted = {
            "width": int(self.width.fit("width", asked["width"])),
            "height": int(self.height.fit("height", asked["height"])),
        }
        for name, side in fitted.items():
            if kind.makes_video and side % 2:  # H.264 as browsers play it halves both sides of the colours
                raise Invalid.of(f"parameters.{name}", "odd")
        return fitted

    def _of_kind(self, kind: Kind, requested: Mapping[str, Any]) -> dict[str, Any]:
        limits: dict[str, Limits] = {}
        if kind is Kind.IMAGE_TO_IMAGE and self.strength:
            limits["strength"] = self.strength
        if kind.makes_video and self.num_frames and self.fps:
            limits |= {"num_frames": self.num_frames, "fps": self.fps}
        pictures_only = {"output_format"} if kind.makes_video else set()
        for name in ({"strength", "num_frames", "fps"} | pictures_only) - limits.keys():
            if requested.get(name) is not None:
                raise Invalid.of(f"parameters.{name}", "not_applicable", kind=kind.value)
        fitted = {name: limit.fit(name, requested.get(name)) for name, limit in limits.items()}
        return {name: float(value) if name == "strength" else int(value) for name, value in fitted.items()}

    def _on_request(self, requested: Mapping[str, Any]) -> dict[str, Any]:
        """What is there only for who asks for it."""
        there = {name: requested[name] for name in ("output_format", "reproducible") if requested.get(name)}
        loras = fit_loras(self.loras, requested.get("loras") or ())
        return {**there, "loras": loras} if loras else there

    def _sampling_method(self, name: str | None) -> str:
        if not name:
            return self.sampling_methods[0]
        method = canonical(name, self.sampling_methods)
        if method is None:
            choices = ", ".join(self.sampling_methods)
            raise Invalid.of("parameters.sampling_method", "unknown_sampling_method", choices=choices)
        return method


class ModelsFile(Entry):
    """The whole file."""

    models: tuple[Model, ...] = Field(min_length=1)


@dataclass(frozen=True)
class Catalog:
    """The models by id, in the file's order: the first one that can do a kind is its default.

    They have no kind that their files, as far as they are here, are not for. `lacking` says what was left out so.
    """

    models: Mapping[str, Model]
    lacking: Mapping[str, frozenset[Kind]] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path) -> Self:
        """Raises InvalidCatalog saying where the file is wrong."""
        try:
            entries = ModelsFile.model_validate(tomllib.loads(path.read_text("utf-8")), context=path.parent).models
        except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise InvalidCatalog(f"{path}: {error}") from error
        except ValidationError as error:
            first = error.errors()[0]
            raise InvalidCatalog(f"{path}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from None
        found = {entry.id: _found(entry, path) for entry in entries}
        if len(found) < len(entries):
            raise InvalidCatalog(f"{path}: two models have the same id")
        lacks = {id: lacking(m.kinds, m.described_in, m.pipeline, m.motion_adapter) for id, m in found.items()}
        able = {id: m.model_copy(update={"kinds": m.kinds - lacks[id]}) for id, m in found.items()}
        models = {id: model for id, model in able.items() if model.kinds}
        if not models:
            raise InvalidCatalog(f"{path}: the files of no model are for what it is to make")
        return cls(models, {id: kinds for id, kinds in lacks.items() if kinds})

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


def _found(model: Model, models_file: Path) -> Model:
    """The entry with its paths made absolute."""
    paths = {name: _located(getattr(model, name), models_file) for name in ("source", "config", "motion_adapter")}
    loras = [lora.model_copy(update={"source": _located(lora.source, models_file)}) for lora in model.loras]
    return model.model_copy(update={**paths, "loras": tuple(loras)})


def _located(source: str | None, models_file: Path) -> str | None:
    """A path that exists beside the models file, made absolute; anything else is a hub id, or nothing, and stays."""
    path = models_file.parent / Path(source or "").expanduser()
    return str(path.resolve()) if source and path.exists() else source
