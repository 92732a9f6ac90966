"""The models of a run: two whose steps take a set time, and the built-in one."""

import json
import os
from pathlib import Path

from shared.settings import ROOT

SLOW, SLOWER, DEMO = "slow", "slower", "darkroom-demo"
STEP_SECONDS = {SLOW: 0.05, SLOWER: 0.5}  # as in slow/slow_unet_classes.py
CLASSES = {SLOW: "SlowUNet", SLOWER: "SlowerUNet"}
CLASSES_FOLDER = Path(__file__).parent / "slow"

ENTRY = """
[[models]]
id = "{id}"
source = "{source}"
kinds = ["t2i", "i2i"]
dtype = "float32"
width = {{ min = 16, max = 256, default = 64 }}
height = {{ min = 16, max = 256, default = 64 }}
steps = {{ min = 1, max = 1000, default = 20 }}
guidance_scale = {{ min = 1, max = 20, default = 4 }}
sampling_methods = ["DDIM", "Euler"]
max_batch = 4
"""


def write_models(folder: Path) -> Path:
    """Makes the models and the file that offers them; returns the file."""
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")  # what they say would stand between the tables
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    from tests.fakes.tiny_model import save_tiny_model

    for name, network in CLASSES.items():
        save_tiny_model(folder / name)
        _rewrite(folder / name / "model_index.json", unet=["slow_unet", network])
        _rewrite(folder / name / "unet" / "config.json", _class_name=network)
    sources = {**{name: folder / name for name in CLASSES}, DEMO: ROOT / "worker" / "demo_model" / "weights"}
    path = folder / "models.toml"
    path.write_text("".join(ENTRY.format(id=id, source=source) for id, source in sources.items()))
    return path


def _rewrite(path: Path, **changed: object) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **changed}))
