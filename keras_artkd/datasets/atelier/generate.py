"""Sets of paintings as arrays, and sheets to look at them."""

import concurrent.futures
import functools
import multiprocessing
import os
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw

from keras_artkd.datasets.atelier.painting import paint
from keras_artkd.datasets.atelier.styles import STYLES
from keras_artkd.datasets.atelier.subjects import SUBJECTS
from keras_artkd.types import Array

# Two threads paint 1.7 times as fast as one, because NumPy and Pillow release
# the lock now and then; more than four gain nothing. Processes scale, but each
# first imports what the caller's script imports: seconds, which only sets of
# hundreds of scenes make good. Processes are spawned, not forked: TensorFlow's
# threads do not survive a fork.
_MAX_THREADS = 4
_MIN_PROCESSES = 3
_SCENES_WORTH_PROCESSES = 200


def generate(
    scenes: int | Sequence[int],
    size: int,
    seed: int = 0,
    processes: int | None = None,
) -> tuple[Array, Array, Array]:
    """Paints every scene in every style.

    The order is scene by scene, each in the order of `STYLES`. The arrays are
    the same for any number of processes. A script that calls this for hundreds
    of scenes needs the `if __name__ == "__main__":` guard that multiprocessing
    requires.

    Args:
        scenes: int, for the scenes `0 ... scenes - 1`; or a sequence of scene
            numbers.
        size: width and height of the paintings, pixels.
        seed: int >= 0; another seed paints the same scenes again, differently.
        processes: int, how many to use; None is one for each processor.

    Returns:
        images: uint8 `(n, size, size, 3)` with `n = scenes * len(STYLES)`.
        labels: int32 `(n,)`, index into `STYLES`.
        scene_numbers: int32 `(n,)`.

    Raises:
        ValueError: if there is nothing to paint, or an argument is out of
            range.
    """
    if isinstance(scenes, (int, np.integer)):
        scenes = range(scenes)
    numbers = [int(scene) for scene in scenes]
    if not numbers:
        raise ValueError(
            "`scenes` must be a number > 0 or a non-empty sequence of scene "
            f"numbers. Received: scenes={scenes!r}."
        )
    if processes is not None and processes < 1:
        raise ValueError(
            "`processes` must be at least 1, or None. "
            f"Received: processes={processes}."
        )
    workers = min(processes or os.cpu_count() or 1, len(numbers))
    task = functools.partial(_paint_scene, size=size, seed=seed)
    with _pool(workers, len(numbers)) as pool:
        images = np.concatenate(list(pool.map(task, numbers)))
    labels = np.tile(np.arange(len(STYLES), dtype="int32"), len(numbers))
    scene_numbers = np.repeat(np.array(numbers, "int32"), len(STYLES))
    return images, labels, scene_numbers


def _paint_scene(number: int, size: int, seed: int) -> Array:
    """Paints one scene in all styles, which share its raster."""
    return np.stack([paint(number, style, size, seed) for style in STYLES])


def _pool(workers: int, num_scenes: int) -> concurrent.futures.Executor:
    if workers >= _MIN_PROCESSES and num_scenes >= _SCENES_WORTH_PROCESSES:
        return concurrent.futures.ProcessPoolExecutor(
            workers, mp_context=multiprocessing.get_context("spawn")
        )
    return concurrent.futures.ThreadPoolExecutor(min(workers, _MAX_THREADS))


def contact_sheet(
    scene_seeds: Sequence[int], size: int = 128, styles: Sequence[str] = STYLES
) -> Image.Image:
    """Paints a table: a row for each scene, a column for each style.

    Args:
        scene_seeds: sequence of scene numbers.
        size: of each painting, pixels.
        styles: sequence of names out of `STYLES`.

    Returns:
        A `PIL.Image` with names above the columns and beside the rows.
    """
    scene_seeds, styles = list(scene_seeds), list(styles)
    if not scene_seeds or not styles:
        raise ValueError(
            "A sheet needs at least one scene and one style. Received: "
            f"scene_seeds={scene_seeds}, styles={styles}."
        )
    gap, left, top = max(2, size // 32), 86, 26
    width = left + len(styles) * (size + gap)
    height = top + len(scene_seeds) * (size + gap)
    sheet = Image.new("RGB", (width, height), (250, 248, 243))
    pen = ImageDraw.Draw(sheet)
    ink = (40, 36, 32)
    for column, style in enumerate(styles):
        # Long names take two lines.
        name = style.replace("_", "\n" if len(style) > 8 else " ")
        x = left + column * (size + gap)
        pen.multiline_text((x, 1), name, fill=ink, spacing=0)
    for row, number in enumerate(scene_seeds):
        y = top + row * (size + gap)
        subject = SUBJECTS[number % len(SUBJECTS)]
        pen.multiline_text((4, y), f"{number}\n{subject}", fill=ink)
        for column, style in enumerate(styles):
            picture = Image.fromarray(paint(number, style, size))
            sheet.paste(picture, (left + column * (size + gap), y))
    return sheet
