"""Python runs this at the start of each process that has this folder on its PYTHONPATH.

diffusers takes a model's own class only from a module that has been imported before. This one imports its classes when
it is first asked for one: most processes never are, and the others must have torch by then.
"""

import importlib
import sys
import types

NAMES = ("ModelMixin", "SlowUNet", "SlowerUNet")


class Slow(types.ModuleType):
    """Stands for `slow_unet_classes`."""

    def __getattr__(self, name: str) -> object:
        if name not in NAMES:
            raise AttributeError(name)
        return getattr(importlib.import_module("slow_unet_classes"), name)


sys.modules["slow_unet"] = Slow("slow_unet")
