"""A finished run for all tests that look at one."""

import contextlib
import dataclasses
import io
import pathlib
from typing import Any

import numpy as np
from PIL import Image

from keras_artkd.runs.plan import Plan, resolve
from keras_artkd.runs.runner import run
from tests.runs.settings import small

CLASSES = ("blue", "green", "red")


@dataclasses.dataclass(frozen=True)
class FinishedRun:
    """A run of the thesis's method, with expert and initial teacher.

    Attributes:
        plan: `Plan`; its expert is a finished run too, without exports.
        metrics: dict, what `run` returned.
        output: str, what it printed.
        images: folder of 24 images of each of `CLASSES`, of six artists each.
    """

    plan: Plan
    metrics: dict[str, Any]
    output: str
    images: pathlib.Path


def make_or_read(root):
    """Makes the run in a folder, unless it is there."""
    images, printed = root / "images", root / "printed.txt"
    config = small(
        "folder",
        data_dir=str(images),
        workdir=str(root / "runs"),
        group="artist",
        epochs=4,
        batch_size=8,
        learning_rate=0.01,
        feature_scale=8.0,
        licence="CC0-1.0",
    )
    plan = resolve(config)
    if not printed.exists():
        paint(images)
        with contextlib.redirect_stdout(io.StringIO()) as output:
            run(plan)
        printed.write_text(output.getvalue(), encoding="utf-8")
    return FinishedRun(
        plan,
        plan.folder.metrics,
        printed.read_text(encoding="utf-8"),
        images,
    )


def paint(folder, count=24, seed=0):
    """Writes images of one colour each, with noise: easily told apart."""
    random = np.random.default_rng(seed)
    for label, name in enumerate(CLASSES):
        (folder / name).mkdir(parents=True)
        for index in range(count):
            pixels = random.integers(0, 80, (20, 26, 3), dtype="uint8")
            pixels[..., 2 - label] += 160
            artist = f"artist{label}{index % 6}"
            path = folder / name / f"{artist}_{index}.png"
            Image.fromarray(pixels).save(path)
