"""Training images to look at: as they are loaded, and as training sees them."""

import dataclasses
import itertools
import math
from collections.abc import Iterator

import numpy as np
from matplotlib.figure import Figure

from keras_artkd.catalogue.augmentations import ROTATIONS
from keras_artkd.data.store import ImageStore
from keras_artkd.datasets import Collection
from keras_artkd.report.grids import fitted, image_grid
from keras_artkd.report.text import display_name
from keras_artkd.runs.plan import Plan
from keras_artkd.runs.training import training_batches
from keras_artkd.types import Array

# About so many pictures of an image beside the original.
_DRAWN = 4
# How much wider than high a figure of many classes is.
_ASPECT = 0.75
_DEGREES = [f"{90 * turn}°" for turn in range(ROTATIONS)]
# The views of an image in a batch, by their kind (`keras_artkd.data.views`).
_VIEWS = {
    "one": [""],
    "two": ["view 1", "view 2"],
    "class_pairs": ["", "of its class"],
    "rotations": _DEGREES,
}


def draw_classes(data: Collection, each: int, seed: int) -> Figure:
    """Draws training images of every class, as the loader gives them.

    Args:
        data: a `datasets.Collection`.
        each: int, images of a class; a class with fewer leaves a gap.
        seed: int, of their choice.

    Returns:
        A figure with a row of pictures for each class.
    """
    random = np.random.default_rng(seed)
    titles, cells = [], []
    for label, name in enumerate(data.class_names):
        rows = np.flatnonzero(data.train.labels == label)
        shown = random.permutation(rows)[:each]
        titles.append(f"{display_name(name)} ({len(rows):,})")
        pictures = [fitted(data.train.image(row)) for row in shown]
        cells.append([*pictures, *[None] * (each - len(pictures))])
    across = max(1, round(math.sqrt(_ASPECT * len(cells) / each)))
    return image_grid(cells, titles, across=across)


@dataclasses.dataclass(frozen=True)
class Drawn:
    """Images as one epoch of the training sees them.

    Attributes:
        views: uint8 `(images, views, side, side, 3)`, in the order of the
            store; a view is one of a method's, or a rotation.
        shares: `(images,)`, how much of a picture is its image; the rest is
            another's (Mixup).
    """

    views: Array
    shares: Array


def draw_augmented(plan: Plan, data: Collection, images: int) -> Figure:
    """Draws training images, each beside what the training makes of it.

    Args:
        plan: `Plan`, whose method and augmentation count.
        data: a `datasets.Collection` that was loaded for it.
        images: int, of as many classes as there are.

    Returns:
        A figure with a row of pictures for each image.

    Raises:
        ValueError: for images that are not in memory.
    """
    if not isinstance(data.train, ImageStore):
        raise ValueError(
            "Augmented samples need training images in memory. Received: data "
            f"set {data.name!r}, whose images stay on disk. Fix: leave out "
            "--augmented."
        )
    # An image of a pair is shown with its partner.
    together = 2 if plan.method.views == "class_pairs" else 1
    rows = _choose(
        data.train.labels, images, together, plan.config.schedule.seed
    )
    store = data.train.take(rows)
    names = [
        " ".join(filter(None, pair))
        for pair in itertools.product(
            _DEGREES[: plan.rotations] if plan.rotations > 1 else [""],
            _VIEWS[plan.method.views],
        )
    ]
    epochs = max(1, _DRAWN // len(names))
    cells: list[list[Array | None]] = [
        [fitted(store.image(row))] for row in range(len(store))
    ]
    headings = ["original"]
    for number, drawn in enumerate(
        augmented(plan, dataclasses.replace(data, train=store), epochs), 1
    ):
        first = [f"draw {number}"]
        if "mixup" in plan.augment:
            first.append(f"{100 * drawn.shares.min():.0f} %")
        headings += [
            ", ".join(filter(None, (*first, names[0]))),
            *names[1:],
        ]
        for row, views in zip(cells, drawn.views, strict=True):
            row += [fitted(view) for view in views]
    titles = [display_name(data.class_names[c]) for c in store.labels]
    return image_grid(cells, titles, headings)


def augmented(plan: Plan, data: Collection, epochs: int) -> Iterator[Drawn]:
    """Draws the training images through the pipeline of a plan's training.

    Args:
        plan: `Plan`.
        data: a `datasets.Collection` of few images in memory.
        epochs: int, how often they are drawn.

    Yields:
        `Drawn` of each epoch.
    """
    store = data.train
    assert isinstance(store, ImageStore)
    count = len(store)
    # The pipeline shuffles: what is to be learned says which image it is.
    store = dataclasses.replace(store, targets=np.eye(count, dtype="float32"))
    config = plan.config.replace(batch_size=count, images_per_epoch=None)
    batches = training_batches(
        dataclasses.replace(plan, config=config),
        dataclasses.replace(data, train=store),
        epochs,
    )
    for images, targets in batches.as_numpy_iterator():
        side = images.shape[-2]
        # Of the rotations of an image, the first is upright.
        own = targets.reshape(count, plan.rotations, count, plan.rotations)
        own = own[:, 0, :, 0]
        # Of two images that were mixed, the one that there is more of.
        places = np.argsort(own.argmax(axis=1))
        views = images.reshape(count, -1, side, side, 3)[places]
        yield Drawn(
            np.rint(np.clip(views, 0, 255)).astype("uint8"),
            own.max(axis=1)[places],
        )


def _choose(labels: Array, images: int, together: int, seed: int) -> list[int]:
    """Positions of images, of one class after another.

    Args:
        labels: class numbers, `(n,)`.
        images: int, at most so many.
        together: int, images of a class beside each other.
        seed: int.
    """
    random = np.random.default_rng(seed)
    classes = [
        random.permutation(np.flatnonzero(labels == label))
        for label in random.permutation(np.unique(labels))
    ]
    rounds = range(0, max(map(len, classes)), together)
    found = (
        int(row)
        for first in rounds
        for rows in classes
        for row in rows[first : first + together]
    )
    return [*itertools.islice(found, images)]
