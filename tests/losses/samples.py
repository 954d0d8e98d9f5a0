"""Random endpoints of every kind that losses read; NumPy and Keras alone."""

import keras
import numpy as np

from keras_artkd import losses

EXAMPLES, CLASSES, ROTATIONS = 3, 5, 4
LABELS = np.arange(EXAMPLES)
BASES = (
    losses.TransferLoss,
    losses.TemperatureLoss,
    losses.EmbeddingLoss,
    losses.PairedLoss,
    losses.PreparedLogits,
)


def exported_losses():
    """Every transfer loss of `keras_artkd.losses`, but the base classes."""
    return [
        value
        for value in vars(losses).values()
        if isinstance(value, type)
        and issubclass(value, losses.TransferLoss)
        and value not in BASES
    ]


def sample_call(loss, dtype="float32", seed=0):
    """Labels, and endpoints of teacher and student, for a call of a loss.

    A student that teaches itself has no teacher: its dict is empty.
    """
    rows = EXAMPLES * (loss.views or 1)
    labels = np.repeat(LABELS, loss.views or 1)
    random = np.random.default_rng(seed)
    teacher = _endpoints(random, loss.teacher_endpoints, rows, 2, dtype)
    student = _endpoints(random, loss.student_endpoints, rows, 3, dtype)
    return labels, {} if loss.teacher == "student" else teacher, student


def build(loss):
    """Builds a loss as a distiller does, of the fewest rows that it takes."""
    _, teacher, student = sample_call(loss)
    loss(
        keras.KerasTensor((loss.views,), "int32"),
        symbolic(teacher, loss.views),
        symbolic(student, loss.views),
    )
    return loss


def symbolic(endpoints, rows=None):
    """The same endpoints of another batch, by default of unknown size."""
    return {
        name: keras.KerasTensor((rows, *value.shape[1:]), value.dtype.name)
        for name, value in endpoints.items()
    }


def _endpoints(random, names, rows, channels, dtype):
    """Those that losses know, and those of these names, which are maps."""
    feature_map, vector = (rows, 4, 4, channels), (rows, channels)
    logits = (rows, CLASSES)
    shapes = {
        **{name: feature_map for name in names},
        **{f"group{i}": feature_map for i in (1, 2, 3)},
        "features": feature_map,
        **{f"exit{i}_logits": logits for i in (1, 2, 3)},
        **{f"exit{i}_features": vector for i in (1, 2, 3)},
        **{f"exit{i}_projection": vector for i in (1, 2, 3)},
        "activated1": feature_map,
        "input_gradient": (rows, 4, 4, 3),
        "refined1": (*feature_map[:3], 2 * channels),
        "refined_logits": logits,
        "rotation_logits": (rows, CLASSES * ROTATIONS),
        "logits": logits,
    }
    return {
        name: random.normal(size=shape).astype(dtype)
        for name, shape in shapes.items()
    }
