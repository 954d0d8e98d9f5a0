"""What an expert says of some views of every training image, kept in a file.

An expert that answers anew in every step is half of a step's cost and more. Its
logits of a few views of each image are computed once, and serve every student
of this expert: other seeds, methods, searches, studies.
"""

import contextlib
import hashlib
import pathlib
import time
from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf

from keras_artkd.data.recorded import RecordedViews
from keras_artkd.data.store import ImageStore
from keras_artkd.distillers import Distiller
from keras_artkd.files import read_arrays, write_atomically
from keras_artkd.models.folding import fold
from keras_artkd.models.functional import as_functional
from keras_artkd.models.keras_file import load_network
from keras_artkd.models.resizing import resize_like
from keras_artkd.output import progress_bar
from keras_artkd.runs.plan import Plan
from keras_artkd.types import Array, Path, Tensor

EXPERT = "expert"
_BATCH_SIZE = 64
# The same views for all students, whatever their seeds.
_SEED = 0


def record_expert(
    plan: Plan, store: ImageStore, expert: keras.Model, path: Path
) -> RecordedViews:
    """The views of a plan's training, with the expert's logits.

    Reads them from the file beside the expert, or computes and keeps them
    there. Where the folder cannot be written, they are computed each time.

    Args:
        plan: `Plan`, with `expert_views`.
        store: `ImageStore`, the training images.
        expert: the trained expert.
        path: its file.
    """
    views = _views(plan, store)
    file = _file(pathlib.Path(path), views, store, plan.crop_size)
    answers = _read(file)
    if answers is None:
        count = f"{views.count} views of {len(store)} images"
        print(f"Recording the expert: {count} ...")
        answers = _answers(views, store, expert, plan.crop_size)
        try:
            write_atomically(file, lambda p: np.savez(p, logits=answers))
        except OSError as error:
            print(f"note: the answers are not kept: {error}")
    return RecordedViews(views.corners, views.mirrored, {EXPERT: answers})


def time_recording(
    plan: Plan, store: ImageStore, expert: keras.Model
) -> tuple[RecordedViews, float]:
    """Views with blank answers, and how long an expert takes to answer one.

    Args:
        plan: `Plan`, with `expert_views`.
        store: `ImageStore`, training images.
        expert: a network as fast as the expert.

    Returns:
        `RecordedViews`, and seconds for one view, by two batches.
    """
    views = _views(plan, store)
    batches = views.images(store, plan.crop_size, _BATCH_SIZE).take(3)
    answer, times = _answering(expert), []
    for images in batches:
        logits = answer(images)
        times.append(time.monotonic())
    each = (times[-1] - times[0]) / max(len(times) - 1, 1) / _BATCH_SIZE
    blank = np.zeros((*views.mirrored.shape, logits.shape[-1]), "float32")
    recorded = RecordedViews(views.corners, views.mirrored, {EXPERT: blank})
    return recorded, each


def _views(plan: Plan, store: ImageStore) -> RecordedViews:
    count = plan.config.networks.expert_views
    assert count is not None
    return RecordedViews.of(
        store,
        plan.crop_size,
        count,
        _SEED,
        plan.config.augmentation.crop_and_mirror,
    )


def teaching_networks(
    plan: Plan, distiller: Distiller, expert_path: Path | None
) -> dict[str, keras.Model]:
    """The frozen teachers by role, also those whose answers were recorded."""
    if plan.config.networks.expert_views is None:
        return dict(distiller.teachers)
    # What it says was recorded.
    assert expert_path is not None
    return {EXPERT: load_network(expert_path)}


def _file(
    expert: pathlib.Path, views: RecordedViews, store: ImageStore, side: int
) -> pathlib.Path:
    """Beside the expert; its name says of what the answers are."""
    digest = hashlib.sha256(expert.read_bytes())
    if store.in_memory:
        for array in store.content():
            digest.update(array.tobytes())
    else:  # To read all of them takes a while.
        digest.update(store.place_digest())
    for array in (views.corners, views.mirrored, np.array(side)):
        digest.update(array.tobytes())
    return expert.with_name(
        f"{expert.stem}-views{views.count}-{digest.hexdigest()[:10]}.npz"
    )


def _read(file: pathlib.Path) -> Array | None:
    try:
        return read_arrays(file, "none is needed, it is written anew")["logits"]
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError) as error:
        print(f"note: {error}")
        return None


def _answers(
    views: RecordedViews, store: ImageStore, expert: keras.Model, side: int
) -> Array:
    answer = _answering(expert)
    batches = views.images(store, side, _BATCH_SIZE)
    found = []
    total = len(store) * views.count
    with contextlib.closing(
        progress_bar("Recording", total, unit="views")
    ) as bar:
        for images in batches:
            found.append(answer(images))
            bar.update(len(images))
    logits = np.concatenate(found)
    return logits.reshape(len(store), views.count, -1).astype("float32")


def _answering(expert: keras.Model) -> Callable[[Tensor], Array]:
    """The expert as one graph, of batches of any size."""
    graph_of = as_functional(expert)
    network = fold(graph_of.inputs[0], graph_of.outputs[0])

    def answer(images: Tensor) -> Tensor:
        return network(resize_like(images, expert), training=False)

    if keras.backend.backend() == "tensorflow":
        graph = tf.function(answer, reduce_retracing=True)
        return lambda images: np.asarray(graph(images))
    import jax

    compiled = jax.jit(answer)
    return lambda images: np.asarray(compiled(np.asarray(images)))
