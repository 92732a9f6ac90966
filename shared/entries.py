"""The pieces that entries of the models file are made of."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, PlainValidator, ValidationInfo, model_validator

from shared.errors import Invalid
from shared.vocabulary import Vocabulary


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

    def at_most(self, most: float) -> "Limits":
        """The same with nothing above this."""
        return Limits(min=min(self.min, most), max=min(self.max, most), default=min(self.default, most))

    def fit(self, field: str, value: float | None) -> float:
        """`value`, or the default for None. Raises Invalid naming the field outside the limits."""
        if value is None:
            return self.default
        if not self.min <= value <= self.max:
            raise Invalid.of(f"parameters.{field}", "out_of_range", min=f"{self.min:g}", max=f"{self.max:g}")
        return value


def _read_words(file: object, info: ValidationInfo) -> Vocabulary:
    """`context` is the folder that relative paths start at."""
    if not isinstance(file, str):
        raise ValueError("it must be the path of a file")
    return Vocabulary.read((info.context or Path()) / Path(file).expanduser())


KnownWords = Annotated[Vocabulary, PlainValidator(_read_words)]


class Lora(Entry):
    """Weights that requests may put on top of a model's own; `source` is a file, a folder or a hub id."""

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$")
    source: str
    file: str | None = None
    description: str = ""
    weight: Limits = Limits(min=-2, max=2, default=1)


def fit_loras(loras: Sequence[Lora], asked: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Those that were asked for, each with its weight. Raises Invalid for an unknown one, and for one named twice."""
    known = {lora.name: lora for lora in loras}
    for number, each in enumerate(asked):
        if each["name"] not in known:
            raise Invalid.of(f"parameters.loras.{number}.name", "unknown_lora", choices=", ".join(known) or "-")
        if each["name"] in {other["name"] for other in asked[:number]}:
            raise Invalid.of(f"parameters.loras.{number}.name", "named_twice")
    return [
        {
            "name": each["name"],
            "weight": float(known[each["name"]].weight.fit(f"loras.{number}.weight", each.get("weight"))),
        }
        for number, each in enumerate(asked)
    ]
