"""Evidence of a test, for the report: predictions, images, attention."""

from typing import Any

import keras
import numpy as np
from PIL import Image

from keras_artkd import models
from keras_artkd.data.images import UnreadableImage, read_image
from keras_artkd.data.pipeline import evaluation_arrays
from keras_artkd.data.store import ImageStore
from keras_artkd.datasets import Collection
from keras_artkd.files import replacing
from keras_artkd.losses import attention_map
from keras_artkd.models.endpoints import group_names
from keras_artkd.report.gallery import choose_attention_rows, choose_rows
from keras_artkd.run_folder import AGGREGATED, RunFolder
from keras_artkd.runs.plan import Plan
from keras_artkd.runs.pseudo_labels import PseudoLabels
from keras_artkd.types import Array

# Long enough to look at, small enough to lie in a report by the dozen.
THUMBNAIL_SIDE = 160
# Of what is unlike the labelled images: so many of the farthest, and of the
# nearest.
_LEFT_OUT = 6
ATTENTION_MAPPINGS = ("sum", "sum2", "sum4", "max2")


def save_evidence(
    plan: Plan,
    data: Collection,
    networks: dict[str, keras.Model],
    logits: dict[str, Array],
    aggregated: Array | None = None,
) -> None:
    """Writes the predictions, the gallery and the attention maps of a run.

    Args:
        plan: `Plan`.
        data: a `datasets.Collection`.
        networks: dict of role -> network.
        logits: dict of role -> its logits of the test images,
            `(n, classes)`.
        aggregated: the student's logits, averaged over the rotations of each
            image, `(n, classes)`; None without rotations.
    """
    labels = data.test.labels
    saved = dict(logits)
    if aggregated is not None:
        saved[AGGREGATED] = aggregated
    plan.folder.write_arrays(
        plan.folder.predictions,
        keys=data.test.keys,
        labels=labels,
        **{name: values.astype("float32") for name, values in saved.items()},
    )
    _save_gallery(plan, data, choose_rows(labels, logits["student"]))
    rows = choose_attention_rows(labels, logits["student"])
    # Of an expert the last stage alone: the pictures are wide enough.
    shown = {r: n for r, n in networks.items() if not r.startswith("stage")}
    _save_attention(plan, data, shown, rows)


def save_left_out(
    folder: RunFolder, images: ImageStore, labels: PseudoLabels
) -> list[dict[str, Any]]:
    """Thumbnails of images that are left out as unlike the labelled ones.

    Half of them are the farthest, half those that are hardly too far.

    Args:
        folder: `RunFolder`.
        images: `ImageStore`, those without labels.
        labels: `PseudoLabels` of them.

    Returns:
        For each its `file`, `key`, `distance` and the expert's `confidence`,
        the farthest first.
    """
    if labels.distance is None:
        return []
    order = np.argsort(-labels.distance, kind="stable")
    order = order[labels.strange[order]]
    if len(order) > 2 * _LEFT_OUT:
        order = np.concatenate([order[:_LEFT_OUT], order[-_LEFT_OUT:]])
    shown = []
    with replacing(folder.left_out) as place:
        place.mkdir()
        for number, row in enumerate(order.tolist()):
            image = Image.fromarray(images.image(row))
            image.thumbnail((2 * THUMBNAIL_SIDE, 2 * THUMBNAIL_SIDE))
            image.save(place / f"{number}.jpg", quality=85)
            shown.append(
                {
                    "file": f"{number}.jpg",
                    "key": str(images.keys[row]),
                    "distance": float(labels.distance[row]),
                    "confidence": float(labels.confidence[row]),
                }
            )
    return shown


def _save_gallery(plan: Plan, data: Collection, rows: list[int]) -> None:
    """Thumbnails of some test images, for people to look at."""
    with replacing(plan.folder.gallery) as folder:
        folder.mkdir()
        for row in rows:
            pixels = _original(plan, str(data.test.keys[row]))
            if pixels is None:
                pixels = data.test.image(row)
            image = Image.fromarray(pixels)
            image.thumbnail((2 * THUMBNAIL_SIDE, 2 * THUMBNAIL_SIDE))
            image.save(folder / f"{row}.jpg", quality=85)


def _original(plan: Plan, key: str) -> Array | None:
    """The pixels of an image file, larger than they were trained on."""
    source = plan.config.data
    if source.dataset != "folder":
        return None
    try:
        return read_image(f"{source.data_dir}/{key}", THUMBNAIL_SIDE)
    except UnreadableImage:  # A name that cannot be written down as it is.
        return None


def _save_attention(
    plan: Plan,
    data: Collection,
    networks: dict[str, keras.Model],
    rows: list[int],
) -> None:
    """Attention of each network: the maps of its last group."""
    groups = {role: group_names(model) for role, model in networks.items()}
    if not any(groups.values()):
        return
    shown, arrays = data.test.take(rows), {}
    for role, model in networks.items():
        if not groups[role]:
            continue
        last = models.get_endpoints(model)[groups[role][-1]]
        images, _ = evaluation_arrays(
            shown, plan.crop_size, model.input_shape[1]
        )
        network = keras.Model(model.input, last)
        maps = network.predict_on_batch(images.astype("float32"))
        for mapping in ATTENTION_MAPPINGS:
            attention = np.asarray(attention_map(maps, mapping))
            arrays[f"{role}/{mapping}"] = attention.reshape(
                -1, *maps.shape[1:3]
            )
    plan.folder.write_arrays(
        plan.folder.attention,
        rows=np.asarray(rows),
        endpoint=next(names[-1] for names in groups.values() if names),
        **arrays,
    )
