"""The built-in models, of stills and of clips: weights, and everything needed to make and judge them again."""

from pathlib import Path

WEIGHTS = Path(__file__).parent / "weights"
CLIP_WEIGHTS = Path(__file__).parent / "clip_weights"
MOTION = "motion_adapter"
PICTURE_SIZE = 128
