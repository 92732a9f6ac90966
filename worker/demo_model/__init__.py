"""The built-in text-to-image model: its weights, and everything needed to make and judge them again."""

from pathlib import Path

WEIGHTS = Path(__file__).parent / "weights"
PICTURE_SIZE = 128
