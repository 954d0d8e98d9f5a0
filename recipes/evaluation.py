"""The test, once, and the evidence that the report shows of it."""

import pathlib
import tempfile

import keras
import numpy as np
from PIL import Image

from keras_artkd import models
from keras_artkd.cost import count_multiply_adds
from keras_artkd.data import evaluation_arrays, evaluation_dataset
from keras_artkd.distillers.adversaries import (
    DISCRIMINATOR,
    adversary_incidents,
)
from keras_artkd.evaluate import agreement, classification_metrics
from keras_artkd.export.parity import milliseconds_per_image
from keras_artkd.files import replacing, write_atomically
from keras_artkd.images import UnreadableImage, read_image
from keras_artkd.losses import attention_map
from keras_artkd.models.endpoints import group_names
from keras_artkd.report.gallery import choose_attention_rows, choose_rows
from keras_artkd.runtimes import KerasRuntime
from keras_artkd.statistics import bootstrap_metrics
from keras_artkd.training import evaluation_batch_size

# Long enough to look at, small enough to lie in a report by the dozen.
THUMBNAIL_SIDE = 160
ATTENTION_MAPPINGS = ("sum", "sum2", "sum4", "max2")


def evaluation_batches(config, store, replicas):
    """A split to evaluate, in batches that fit the replicas."""
    return evaluation_dataset(
        store,
        config.image_size,
        evaluation_batch_size(len(store), config.batch_size, replicas),
    )


def evaluate(config, data, distiller, checkpoint, replicas):
    """Tests the last and the best student, once each, and saves evidence.

    The best epoch was chosen on the validation split alone. Leaves the best
    weights in the student. Writes `predictions.npz`, `attention.npz` and the
    folder `gallery`; see `saved_models/README.md`.

    Returns:
        dict, the run's metrics.
    """
    # Without what was there for the training only.
    student = models.without_exits(distiller.student)

    def logits(model, split):
        batches = evaluation_batches(config, getattr(data, split), replicas)
        return model.predict(batches, verbose=0)

    def metrics(values, split):
        return classification_metrics(
            getattr(data, split).labels, values, data.class_names
        )

    last = metrics(logits(student, "test"), "test")
    checkpoint.load_best()
    networks = {
        "student": student,
        **distiller.co_trained,
        **distiller.teachers,
    }
    tested = {role: logits(model, "test") for role, model in networks.items()}
    _save_evidence(config, data, networks, tested)
    return {
        "method": config.method,
        "student": config.student,
        "head": config.student_head,
        "seed": config.seed,
        "parameters": models.upright(student).count_params(),
        "epochs": checkpoint.epoch,
        "best_epoch": checkpoint.best_epoch,
        "class_names": data.class_names,
        "test": metrics(tested["student"], "test"),
        "test_intervals": {
            name: list(interval)
            for name, interval in bootstrap_metrics(
                data.test.labels, tested["student"]
            ).items()
        },
        "test_last_epoch": {
            key: last[key] for key in ("accuracy", "macro_accuracy")
        },
        **_test_rotations(config, student, logits, metrics),
        **_adversaries(checkpoint.history),
        "validation": metrics(logits(student, "validation"), "validation"),
        # Teachers: the expert as given, the initial one at its last epoch.
        **{
            role: {
                "name": networks[role].name,
                "parameters": models.upright(networks[role]).count_params(),
                "test_accuracy": metrics(values, "test")["accuracy"],
                "agreement_with_student": agreement(values, tested["student"]),
            }
            for role, values in tested.items()
            if role != "student"
        },
        "networks": [
            _describe_network(role, model, config)
            for role, model in networks.items()
        ],
    }


def _test_rotations(config, student, logits, metrics):
    """The test averaged over rotations, for students that know them."""
    if config.rotations == 1:
        return {}
    averaged = logits(models.rotation_ensemble(student), "test")
    tested = metrics(averaged, "test")
    return {
        "test_rotations": {
            key: tested[key] for key in ("accuracy", "macro_accuracy")
        }
    }


def _adversaries(history):
    """Which adversaries were out of order, of trainings that have some."""
    if not any(name.startswith(DISCRIMINATOR) for name in history):
        return {}
    return {"adversaries": adversary_incidents(history)}


def _describe_network(role, model, config):
    """What a network costs, as deployed."""
    model = models.upright(model)
    size = config.image_size
    images = np.random.default_rng(0).integers(0, 256, (4, size, size, 3))
    return {
        "role": role,
        "name": model.name,
        "parameters": model.count_params(),
        "multiply_adds": count_multiply_adds(model),
        "size_bytes": _keras_file_size(model),
        "milliseconds": milliseconds_per_image(KerasRuntime(model), images),
    }


def _keras_file_size(model):
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "model.keras")
        model.save(path)
        return path.stat().st_size


def _save_evidence(config, data, networks, logits):
    labels = data.test.labels
    write_atomically(
        config.run_dir / "predictions.npz",
        lambda path: np.savez_compressed(
            path,
            keys=data.test.keys,
            labels=labels,
            **{
                role: values.astype("float32")
                for role, values in logits.items()
            },
        ),
    )
    _save_gallery(config, data, choose_rows(labels, logits["student"]))
    rows = choose_attention_rows(labels, logits["student"])
    # Of an expert the last stage alone: the pictures are wide enough.
    shown = {r: n for r, n in networks.items() if not r.startswith("stage")}
    _save_attention(config, data, shown, rows)


def _save_gallery(config, data, rows):
    """Thumbnails of some test images, for people to look at."""
    with replacing(config.run_dir / "gallery") as folder:
        folder.mkdir()
        for row in rows:
            pixels = _original(config, str(data.test.keys[row]))
            if pixels is None:
                pixels = data.test.image(row)
            image = Image.fromarray(pixels)
            image.thumbnail((2 * THUMBNAIL_SIDE, 2 * THUMBNAIL_SIDE))
            image.save(folder / f"{row}.jpg", quality=85)


def _original(config, key):
    """The pixels of an image file, larger than they were trained on."""
    if config.dataset != "folder":
        return None
    try:
        path = f"{config.data_dir}/{key}"
        return read_image(path, THUMBNAIL_SIDE)
    except UnreadableImage:  # A name that cannot be written down as it is.
        return None


def _save_attention(config, data, networks, rows):
    """Where each network looks: the maps of its last group."""
    groups = {role: group_names(model) for role, model in networks.items()}
    if not any(groups.values()):
        return
    images, _ = evaluation_arrays(data.test.take(rows), config.image_size)
    arrays = {}
    for role, model in networks.items():
        if not groups[role]:
            continue
        last = models.get_endpoints(model)[groups[role][-1]]
        network = keras.Model(model.inputs, last)
        maps = network.predict_on_batch(images.astype("float32"))
        for mapping in ATTENTION_MAPPINGS:
            attention = np.asarray(attention_map(maps, mapping))
            arrays[f"{role}/{mapping}"] = attention.reshape(
                -1, *maps.shape[1:3]
            )
    endpoint = next(names[-1] for names in groups.values() if names)
    write_atomically(
        config.run_dir / "attention.npz",
        lambda path: np.savez_compressed(
            path, rows=np.asarray(rows), endpoint=endpoint, **arrays
        ),
    )
