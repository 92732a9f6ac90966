"""What the image contract takes and gives, as its document has it; one file a topic."""

from pydantic import AliasGenerator, BaseModel, ConfigDict
from pydantic.alias_generators import to_camel


class Given(BaseModel):
    """An answer: its names are written in camelCase."""

    model_config = ConfigDict(alias_generator=AliasGenerator(serialization_alias=to_camel))
