"""Figures as SVG inside a page and as PNG files."""

import contextlib
import io
import re
import warnings
from collections.abc import Iterator

import matplotlib
import numpy as np
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure

from keras_artkd.report import style
from keras_artkd.report.style import COLOURS
from keras_artkd.types import Path


def as_svg(figure: Figure, prefix: str, title: str) -> str:
    """Returns a figure as SVG for a page.

    Text stays text. Colours are `var(--plot-<name>, <colour>)` for the names
    of `COLOURS`. Shades between surface and accent are `color-mix` of the
    two. Therefore a page in dark mode only sets the variables.

    Args:
        figure: of `keras_artkd.report.plots.figure`.
        prefix: put before every id; must be unique in the page.
        title: description of the figure for people who cannot see it.
    """
    stream = io.StringIO()
    settings = {**style.SETTINGS, "svg.hashsalt": prefix}
    with matplotlib.rc_context(settings), _missing_glyphs_allowed():
        figure.savefig(
            stream,
            format="svg",
            transparent=True,
            metadata={"Date": None, "Creator": None},
        )
    svg = stream.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'\sid="([^"]+)"', rf' id="{prefix}-\1"', svg)
    svg = re.sub(r'(href="#|url\(#)', rf"\g<1>{prefix}-", svg)
    # The page's own font knows every script, and is no wider.
    svg = re.sub(r" font-family: [^;\"]*;?", "", svg)
    svg = re.sub(r"#[0-9a-f]{6}\b", _themed, svg)
    head, rest = svg.split(">", 1)
    head = re.sub(r'\s(?:width|height)="[^"]*"', "", head)
    label = title.replace("&", "&amp;").replace('"', "&quot;")
    label = label.replace("<", "&lt;")
    return f'{head} role="img" aria-label="{label}">{rest}'


def save_png(figure: Figure, path: Path, dpi: int = 200) -> None:
    """Writes a figure as PNG, on the surface's colour."""
    with _missing_glyphs_allowed():
        figure.savefig(
            path, format="png", dpi=dpi, facecolor=COLOURS["surface"]
        )


@contextlib.contextmanager
def _missing_glyphs_allowed() -> Iterator[None]:
    """Suppresses the warning for a class name in a script without a font."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        yield


def _themed(match: re.Match[str]) -> str:
    colour = match[0]
    for name, value in COLOURS.items():
        if colour == value:
            return f"var(--plot-{name}, {colour})"
    share = _share_of_accent(colour)
    if share is None:
        return colour
    return (
        f"color-mix(in srgb, var(--plot-accent, {COLOURS['accent']}) "
        f"{share:.0%}, var(--plot-surface, {COLOURS['surface']}))"
    )


def _share_of_accent(colour: str) -> float | None:
    """A colour's place between surface and accent, None if elsewhere."""
    start, end = (np.array(to_rgb(COLOURS[n])) for n in ("surface", "accent"))
    way = end - start
    share = float((np.array(to_rgb(colour)) - start) @ way / (way @ way))
    near = to_hex(np.clip(start + share * way, 0, 1))
    off = np.abs(np.array(to_rgb(near)) - np.array(to_rgb(colour))).max()
    return share if off < 2 / 255 and 0 <= share <= 1 else None
