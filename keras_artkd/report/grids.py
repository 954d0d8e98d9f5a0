"""Grids of pictures, as figures and as PNG files."""

from collections.abc import Sequence

import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from PIL import Image

from keras_artkd.report.plots import shorten
from keras_artkd.report.style import COLOURS
from keras_artkd.types import Array

# Inches: the side of a picture in a grid, and a line of text above it.
_CELL = 1.0
_LINE = 0.25
# Inches between rows that are side by side.
_GAP = 0.3
# So many letters are as wide as a picture.
_LETTERS = 15
# Enough for the pixels of a thumbnail.
GRID_DPI = 120
# Pixels of a picture's side, and the part of it that is margin.
SIDE = 160
_MARGIN = 30


def image_grid(
    cells: Sequence[Sequence[Array | None]],
    row_titles: Sequence[str],
    column_titles: Sequence[str] = (),
    across: int = 1,
) -> Figure:
    """Rows of square pictures of one size, each row under its title.

    Args:
        cells: the pictures of each row, uint8 `(side, side, 3)`; None leaves a
            gap, a row of none has its title alone.
        row_titles: a title for each row.
        column_titles: a heading for each column, or none.
        across: how many rows are side by side; they have no headings then.
    """
    columns = len(column_titles) or max(map(len, cells))
    top = _LINE if column_titles else 0.0
    lines = [
        _CELL if any(cells[start : start + across]) else 0.0
        for start in range(0, len(cells), across)
    ]
    width = across * columns * _CELL + (across - 1) * _GAP
    height = top + sum(lines) + len(lines) * _LINE
    figure = Figure((width, height))
    for number, (title, pictures) in enumerate(
        zip(row_titles, cells, strict=True)
    ):
        line, place = divmod(number, across)
        above = lines[: line + 1]
        bottom = height - top - sum(above) - len(above) * _LINE
        left = place * (columns * _CELL + _GAP)
        figure.text(
            (left + 0.05) / width,
            (bottom + lines[line] + 0.05) / height,
            shorten(title, min(80, _LETTERS * columns)),
            fontsize=8,
            color=COLOURS["ink"],
        )
        if not pictures:
            continue
        axes = figure.add_axes(
            (
                left / width,
                bottom / height,
                columns * _CELL / width,
                _CELL / height,
            )
        )
        axes.set_axis_off()
        axes.imshow(_strip(pictures), extent=(0, columns, 0, 1), aspect="auto")
    for column, heading in enumerate(column_titles):
        figure.text(
            (column * _CELL + 0.05) / width,
            1 - 0.7 * _LINE / height,
            heading,
            fontsize=7,
            color=COLOURS["muted"],
        )
    return figure


def fitted(picture: Array) -> Array:
    """A picture of any aspect, as large as fits into a square of a grid.

    Args:
        picture: uint8 `(height, width, 3)`.

    Returns:
        uint8 `(160, 160, 3)`.
    """
    square = np.empty((SIDE, SIDE, 3), "uint8")
    square[:] = _paper()
    room = SIDE - 2 * (SIDE // _MARGIN)
    height, width = (
        max(1, round(room * length / max(picture.shape[:2])))
        for length in picture.shape[:2]
    )
    top, left = (SIDE - height) // 2, (SIDE - width) // 2
    square[top : top + height, left : left + width] = np.asarray(
        Image.fromarray(picture).resize(
            (width, height), Image.Resampling.BICUBIC
        )
    )
    return square


def _strip(pictures: Sequence[Array | None]) -> Array:
    """Pictures beside one another with a margin; None leaves a gap."""
    side = next(
        (len(picture) for picture in pictures if picture is not None), SIDE
    )
    margin = side // _MARGIN
    strip = np.empty((side, len(pictures), side, 3), "uint8")
    strip[:] = _paper()
    inner = slice(margin, side - margin)
    for column, picture in enumerate(pictures):
        if picture is not None:
            strip[inner, column, inner] = picture[inner, inner]
    return strip.reshape(side, -1, 3)


def _paper() -> Array:
    """The colour between pictures."""
    return np.rint(np.array(to_rgb(COLOURS["surface"])) * 255)
