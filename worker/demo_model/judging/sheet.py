"""A sheet of pictures with their prompts underneath."""

import textwrap

from PIL import Image, ImageDraw

COLUMNS = 8
GAP = 10
LETTER_WIDTH, LINE_HEIGHT = 5.8, 11
# So many colours keep a sheet small, and no eye sees the difference.
PALETTE = 256


def sheet(drawn: list[tuple[Image.Image, str]], columns: int = COLUMNS) -> Image.Image:
    """Row by row in the given order, each prompt wrapped below its picture."""
    width, height = drawn[0][0].size
    labels = [textwrap.wrap(prompt, int(width / LETTER_WIDTH)) for _, prompt in drawn]
    across, down = width + GAP, height + LINE_HEIGHT * max(map(len, labels)) + GAP
    rows = -(-len(drawn) // columns)
    page = Image.new("RGB", (columns * across + GAP, rows * down + GAP), "gainsboro")
    pen = ImageDraw.Draw(page)
    for number, (picture, _) in enumerate(drawn):
        left, top = GAP + number % columns * across, GAP + number // columns * down
        page.paste(picture, (left, top))
        pen.multiline_text((left, top + height + 2), "\n".join(labels[number]), fill="black", spacing=1)
    return page.quantize(PALETTE, dither=Image.Dither.NONE)


def strip(frames: list[Image.Image], shown: int = 8) -> Image.Image:
    """Some of a clip's frames side by side, from the first to the last."""
    width, height = frames[0].size
    row = Image.new("RGB", (shown * width, height))
    for place in range(shown):
        row.paste(frames[place * (len(frames) - 1) // (shown - 1)], (place * width, 0))
    return row
