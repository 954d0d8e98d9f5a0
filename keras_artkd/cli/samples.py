"""Draw training images of a data set.

  artkd samples FOLDER
  artkd samples FOLDER --each 8 -o samples.png
  artkd samples --recipe pandora --data-dir ARCHIVE
  artkd samples FOLDER --augmented --augment cutout

A row has images of one class, as they are loaded: the training split alone,
with its number of images. With --augmented a row has one image, first as it is
loaded, then as the training sees it: cropped, mirrored, and changed as
--augment and the method say. The percentage over a draw with Mixup is the
share of the row's image. Every flag of `artkd train` counts that says which
images are loaded and how they are seen; --seed takes others.
"""

import dataclasses
import pathlib
from collections.abc import Sequence
from typing import Annotated

import tyro

from keras_artkd.cli.flags import parse_flags
from keras_artkd.cli.selection import Selection, select
from keras_artkd.cli.status import exit_status
from keras_artkd.datasets.loaders import check_request
from keras_artkd.output import import_tensorflow
from keras_artkd.runs.config import Config
from keras_artkd.runs.plan import resolve


@dataclasses.dataclass(frozen=True)
class Samples:
    """Which images, and where they go."""

    output: Annotated[str, tyro.conf.arg(aliases=["-o"])] = "samples.png"
    """The PNG file to write."""
    each: int = 5
    """Images of each class."""
    augmented: bool = False
    """Show what the training makes of an image, in place of the classes."""
    images: int = 6
    """Images with --augmented, of as many classes as there are."""

    def __post_init__(self) -> None:
        for name in ("each", "images"):
            if getattr(self, name) < 1:
                raise ValueError(
                    f"`{name}` must be at least 1. "
                    f"Received: {name}={getattr(self, name)}."
                )
        if pathlib.Path(self.output).suffix.lower() != ".png":
            raise ValueError(
                "`output` must be a PNG file. "
                f"Received: output={self.output!r}. Fix: --output samples.png."
            )


@dataclasses.dataclass(frozen=True)
class Command:
    """Everything that the command line sets."""

    selection: Annotated[Selection, tyro.conf.arg(name="")]
    samples: Annotated[Samples, tyro.conf.arg(name="")]
    run: Annotated[Config, tyro.conf.arg(name="")]


def main(arguments: Sequence[str]) -> int:
    """Draws samples with the flags of the command line.

    Args:
        arguments: list of str, what follows `artkd samples`.

    Returns:
        Exit status, see `exit_status`.
    """
    return exit_status(lambda: _start(arguments))


def _start(arguments: Sequence[str]) -> int:
    selection, config, words = select(arguments)
    command = parse_flags(
        Command,
        Command(selection, Samples(), config),
        "artkd samples",
        __doc__,
        words,
    )
    samples, plan = command.samples, resolve(command.run)
    check_request(**plan.load_arguments)
    # Only now: mistakes are told within a second.
    import_tensorflow()
    from keras_artkd.files import write_atomically
    from keras_artkd.report.grids import GRID_DPI
    from keras_artkd.report.rendering import save_png
    from keras_artkd.runs.runner import load_data
    from keras_artkd.runs.samples import draw_augmented, draw_classes

    data = load_data(plan)
    if samples.augmented:
        figure = draw_augmented(plan, data, samples.images)
    else:
        figure = draw_classes(data, samples.each, plan.config.schedule.seed)
    write_atomically(
        samples.output, lambda path: save_png(figure, path, GRID_DPI)
    )
    print(samples.output)
    return 0
