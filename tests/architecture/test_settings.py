"""`.env.example` tells of every setting, and tells the truth."""

import itertools
import re
from pathlib import Path

from shared.settings import ROOT, Settings

EXAMPLE = ROOT / ".env.example"
VARIABLE = re.compile(r"^#?([A-Z][A-Z0-9_]*)=(.*)$", re.MULTILINE)


def test_every_setting_is_in_the_example_once() -> None:
    documented = [name for name, _ in VARIABLE.findall(EXAMPLE.read_text("utf-8"))]

    assert sorted(documented) == sorted(field.upper() for field in Settings.model_fields)


def test_documented_values_are_the_defaults(tmp_path: Path) -> None:
    everything = "".join(f"{name}={value}\n" for name, value in VARIABLE.findall(EXAMPLE.read_text("utf-8")))
    (tmp_path / ".env").write_text(everything, "utf-8")

    documented = Settings(_env_file=tmp_path / ".env", secret_key="x" * 40)

    assert documented == Settings(_env_file=None, secret_key="x" * 40)


def test_every_setting_is_explained_on_the_line_above() -> None:
    lines = EXAMPLE.read_text("utf-8").splitlines()

    unexplained = [line for above, line in itertools.pairwise(lines) if VARIABLE.match(line) and above[:2] != "# "]

    assert unexplained == []


def test_example_has_no_secret() -> None:
    assert "\nSECRET_KEY=\n" in EXAMPLE.read_text("utf-8")
