"""Connected patches of a mask."""

from itertools import pairwise, product

import numpy as np

from worker.demo_model.judging.colours import Mask

Run = tuple[int, int, int]


def patches(mask: Mask, least: float) -> list[Mask]:
    """The patches of at least so many pixels, corners counting as connected, the largest first."""
    labels, count = _labelled(mask, reach=1)
    areas = np.bincount(labels.ravel(), minlength=count + 1)
    large = [number for number in range(1, count + 1) if areas[number] >= least]
    return [labels == number for number in sorted(large, key=lambda number: -areas[number])]


def filled(mask: Mask) -> Mask:
    """The mask without its holes."""
    labels, _ = _labelled(np.pad(~mask, 1, constant_values=True), reach=0)
    inside: Mask = labels != labels[0, 0]
    return inside[1:-1, 1:-1]


def shrunk(mask: Mask) -> Mask:
    """What is left without the outermost pixels."""
    around = np.pad(mask, 1)
    left: Mask = mask & around[:-2, 1:-1] & around[2:, 1:-1] & around[1:-1, :-2] & around[1:-1, 2:]
    return left


def grown(mask: Mask) -> Mask:
    """The mask with the pixels around it."""
    return ~shrunk(np.pad(~mask, 1, constant_values=True))[1:-1, 1:-1]


def box(mask: Mask) -> tuple[int, int, int, int]:
    """Left, top, right and bottom; the last two just outside."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def _labelled(mask: Mask, reach: int) -> tuple[np.ndarray, int]:
    """Numbers from one up for the patches, made of the rows' runs that touch the runs of the row before."""
    rows = _runs(mask)
    parents = list(range(sum(map(len, rows))))
    for above, below in pairwise(rows):
        for (start, end, run), (other_start, other_end, other) in product(below, above):
            if other_start < end + reach and start < other_end + reach:
                parents[_root(parents, run)] = _root(parents, other)
    roots = [_root(parents, run) for run in range(len(parents))]
    numbers = {root: number for number, root in enumerate(dict.fromkeys(roots), start=1)}
    labels = np.zeros(mask.shape, dtype=np.int32)
    for row, runs in zip(labels, rows, strict=True):
        for start, end, run in runs:
            row[start:end] = numbers[roots[run]]
    return labels, len(numbers)


def _runs(mask: Mask) -> list[list[Run]]:
    """For every row where its runs of set pixels start, where they end, and their numbers."""
    steps = np.diff(np.pad(mask.astype(np.int8), ((0, 0), (1, 1))), axis=1)
    heights, starts = np.nonzero(steps > 0)
    ends = np.nonzero(steps < 0)[1]
    rows: list[list[Run]] = [[] for _ in mask]
    for run, (height, start, end) in enumerate(zip(heights.tolist(), starts.tolist(), ends.tolist(), strict=True)):
        rows[height].append((start, end, run))
    return rows


def _root(parents: list[int], number: int) -> int:
    while parents[number] != number:
        parents[number] = parents[parents[number]]
        number = parents[number]
    return number
