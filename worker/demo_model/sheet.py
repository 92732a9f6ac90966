"""A sheet of pictures with their prompts underneath."""

import textwrap

from PIL import Image, ImageDraw

COLUMNS = 4
GAP = 12
LABEL_HEIGHT = 44
LETTERS_A_LINE = 24


def sample_sheet(pictures: list[Image.Image], prompts: list[str]) -> Image.Image:
    """Row by row in the given order, each prompt wrapped below its picture."""
    width, height = pictures[0].size
    across, down = width + GAP, height + LABEL_HEIGHT + GAP
    rows = -(-len(pictures) // COLUMNS)
    sheet = Image.new("RGB", (COLUMNS * across + GAP, rows * down + GAP), "gainsboro")
    pen = ImageDraw.Draw(sheet)
    for number, (picture, prompt) in enumerate(zip(pictures, prompts, strict=True)):
        left, top = GAP + number % COLUMNS * across, GAP + number // COLUMNS * down
        sheet.paste(picture, (left, top))
        label = "\n".join(textwrap.wrap(prompt, LETTERS_A_LINE))
        pen.multiline_text((left, top + height + 3), label, fill="black", spacing=1)
    return sheet
