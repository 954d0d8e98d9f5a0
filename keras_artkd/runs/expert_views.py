"""What an expert says of some views of every training image, kept in a file.

An expert that answers anew in every step is half of a step's cost and more. Its
logits of a few views of each image are computed once, and serve every student
of this expert: other seeds, methods, searches, studies.
"""

import hashlib
import pathlib
import zipfile

import keras
import numpy as np
import tensorflow as tf

from keras_artkd.data.recorded import RecordedViews
from keras_artkd.data.store import ImageStore
from keras_artkd.distillers import Distiller
from keras_artkd.distillers.roles import resize_like
from keras_artkd.files import write_atomically
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
    count = plan.config.networks.expert_views
    assert count is not None
    views = RecordedViews.of(
        store,
        plan.crop_size,
        count,
        _SEED,
        plan.config.augmentation.crop_and_mirror,
    )
    file = _file(pathlib.Path(path), views, store, plan.crop_size)
    answers = _read(file)
    if answers is None:
        print(f"Recording the expert: {count} views of {len(store)} images ...")
        answers = _answers(views, store, expert, plan.crop_size)
        try:
            write_atomically(file, lambda p: np.savez(p, logits=answers))
        except OSError as error:
            print(f"note: the answers are not kept: {error}")
    return RecordedViews(views.corners, views.mirrored, {EXPERT: answers})


def teaching_networks(
    plan: Plan, distiller: Distiller, expert_path: Path | None
) -> dict[str, keras.Model]:
    """The frozen teachers by role, also those whose answers were recorded."""
    if plan.config.networks.expert_views is None:
        return distiller.teachers
    return {EXPERT: keras.models.load_model(expert_path)}


def _file(
    expert: pathlib.Path, views: RecordedViews, store: ImageStore, side: int
) -> pathlib.Path:
    """Beside the expert; its name says of what the answers are."""
    digest = hashlib.sha256(expert.read_bytes())
    digest.update(bytes(store.content))
    for array in (views.corners, views.mirrored, np.array(side)):
        digest.update(array.tobytes())
    return expert.with_name(
        f"{expert.stem}-views{views.count}-{digest.hexdigest()[:10]}.npz"
    )


def _read(file: pathlib.Path) -> Array | None:
    try:
        with np.load(file) as saved:
            logits: Array = saved["logits"]
            return logits
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        # They can be computed again.
        print(f"note: {file} cannot be read and is written anew: {error}")
        return None


def _answers(
    views: RecordedViews, store: ImageStore, expert: keras.Model, side: int
) -> Array:
    @tf.function(reduce_retracing=True)
    def answer(images: Tensor) -> Tensor:
        return expert(resize_like(images, expert), training=False)

    batches = views.images(store, side, _BATCH_SIZE)
    logits = np.concatenate([answer(images).numpy() for images in batches])
    return logits.reshape(len(store), views.count, -1).astype("float32")
