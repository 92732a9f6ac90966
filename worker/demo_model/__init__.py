"""The built-in model of stills and clips: its weights, and everything needed to make and judge them again."""

from pathlib import Path

WEIGHTS = Path(__file__).parent / "weights"
MOTION = "motion_adapter"
PICTURE_SIZE = 128
