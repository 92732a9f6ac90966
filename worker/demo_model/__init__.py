"""The built-in models, of stills and of clips: weights, and everything needed to make and judge them again."""

from pathlib import Path

WEIGHTS = Path(__file__).parent / "weights"
FILM_WEIGHTS = Path(__file__).parent / "film_weights"
PICTURE_SIZE = 128
