"""Colours, fonts and settings that all figures share."""

import functools
from typing import Any

from matplotlib import font_manager

# The colour-blind can tell them apart (after Okabe and Ito). No two are equal,
# so that `keras_artkd.report.rendering` can replace each by a variable.
COLOURS = {
    "ink": "#1f2328",
    "muted": "#626a73",
    "grid": "#d9dde2",
    "surface": "#fefefe",
    "accent": "#0b6aa8",
    "second": "#c9570a",
    "third": "#0a8463",
    "good": "#0a7f52",
    "bad": "#b3361e",
}
# Names of the colours of curves, in their order.
CYCLE = ("accent", "second", "third", "muted", "bad")
# Settings of matplotlib; its type of the keys differs between versions.
SETTINGS: dict[Any, Any] = {
    "font.size": 9,
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": COLOURS["muted"],
    "axes.labelcolor": COLOURS["muted"],
    "axes.titlecolor": COLOURS["ink"],
    "axes.facecolor": "none",
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": COLOURS["grid"],
    "grid.linewidth": 0.6,
    "text.color": COLOURS["ink"],
    "xtick.color": COLOURS["muted"],
    "ytick.color": COLOURS["muted"],
    "lines.linewidth": 1.6,
    "svg.fonttype": "none",
}
_OTHER_SCRIPTS = (
    "Noto Sans CJK SC",
    "Noto Sans CJK JP",
    "Source Han Sans SC",
    "WenQuanYi Zen Hei",
    "Arial Unicode MS",
    "Microsoft YaHei",
    "PingFang SC",
)


@functools.cache
def font_families() -> list[str]:
    """Font families, including the installed ones for other scripts."""
    installed = set(font_manager.get_font_names())
    return ["DejaVu Sans", *(f for f in _OTHER_SCRIPTS if f in installed)]
