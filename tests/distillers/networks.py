"""Small networks and data that the distiller tests share."""

import functools

import keras
import numpy as np
import pytest

from keras_artkd import losses
from keras_artkd.distillers import METHODS, Distiller, build
from keras_artkd.models import WideResNet, with_endpoints

CLASSES = 4
# Methods that can be joined, with every kind of term: of an expert, of a
# co-trained teacher, with connectors, a memory, estimates, exits, two views.
KINDS = "byot+collaborative+crd+cs_kd+equation+fitnet+vid"
# With stages, phases, gradients, several terms, margins, metrics of their own.
_OF_THEIR_OWN = "ab+gradient_attention+irg+ms_mgans+ofd+skdsam"


def every_kind_of_method():
    """All methods; those that save and train what others do, exhaustively."""
    kept = f"{KINDS}+{_OF_THEIR_OWN}".split("+")
    return [
        name
        if name in kept
        else pytest.param(name, marks=pytest.mark.exhaustive)
        for name in METHODS
    ]


def wide(width=1, head="pool", dtype=None, side=16):
    """A WRN-10 for 16-pixel images."""
    return WideResNet(
        10, width, CLASSES, (side, side, 3), head=head, dtype=dtype
    )


def plain(filters=4, side=16, dtype=None, classes=CLASSES, normalised=False):
    """A network of three convolutions, endpoints named.

    A fifth of a WRN-10's time. Without batch normalisation the images of a
    batch do not touch each other.
    """
    inputs = keras.Input((side, side, 3))
    x = keras.layers.Rescaling(1 / 127.5, -1, dtype=dtype)(inputs)
    names = {}
    for group in (1, 2, 3):
        x = keras.layers.Conv2D(
            filters * group,
            3,
            strides=2 if group > 1 else 1,
            padding="same",
            use_bias=not normalised,
            dtype=dtype,
        )(x)
        if normalised:
            x = keras.layers.BatchNormalization(momentum=0.9, dtype=dtype)(x)
        x = keras.layers.ReLU(dtype=dtype, name=f"relu{group}")(x)
        names[f"group{group}"] = f"relu{group}"
    names["features"] = "relu3"
    x = keras.layers.GlobalAveragePooling2D(dtype=dtype)(x)
    logits = keras.layers.Dense(classes, dtype="float32")(x)
    model = with_endpoints(keras.Model(inputs, logits), names)
    if dtype is not None:
        # What `Distiller` takes for its own, and its loss scaling.
        model.dtype_policy = keras.dtype_policies.get(dtype)
    return model


def normalised(filters=4, side=16, dtype=None, classes=CLASSES):
    """The same with batch normalisation before every ReLU."""
    return plain(filters, side, dtype, classes, normalised=True)


def make(method, **options):
    """A method's distiller of such networks."""
    return build(method, *_networks(), **options)


@functools.cache
def untrained(method, **options):
    """A method's distiller, for tests that only look at it.

    Each is made once, and all of them of the same networks.
    """
    keras.utils.set_random_seed(0)
    return build(method, *_shared_networks(), **options)


def _networks():
    """Student, expert, initial teacher."""
    return plain(), plain(6), plain(5)


_shared_networks = functools.cache(_networks)


def full_distiller(student=None, **changes):
    """Every kind of network and term."""
    arguments = {
        "teachers": {"expert": normalised(6)},
        "co_trained": {"initial": normalised(5)},
        "transfer_losses": [
            losses.KD(teacher="initial"),
            losses.LogitsL2(),
            losses.AttentionTransfer(),
        ],
        "transfer_weights": [1.0, 1.5, 0.2],
    }
    return Distiller(student or normalised(), **{**arguments, **changes})


def compiled(model, rate=0.05, **options):
    """A model ready to train, step by step: a graph costs more to trace."""
    options = {"run_eagerly": True, **options}
    model.compile(keras.optimizers.SGD(rate, momentum=0.9), **options)
    return model


def batch(size=16, side=16, seed=0, views=1):
    """Random images, each in so many views, and labels."""
    random = np.random.default_rng(seed)
    shape = (size, *((views,) if views > 1 else ()), side, side, 3)
    images = random.uniform(0, 255, shape).astype("float32")
    return images, random.integers(0, CLASSES, size).astype("int32")


def snapshot(model):
    """A copy of every weight."""
    return [w.copy() for w in model.get_weights()]


def same(first, second):
    """Whether two snapshots agree bit for bit."""
    return all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


def assert_same_changes(before, first, second, tolerance=1e-3):
    """Asserts that two trainings change each weight alike, as a whole.

    Args:
        before: a snapshot, where both began.
        first: snapshot after one training.
        second: snapshot after the other.
        tolerance: of the norm of a variable's change.
    """
    for old, one, two in zip(before, first, second, strict=True):
        one, two = np.subtract(one, old), np.subtract(two, old)
        allowed = tolerance * np.linalg.norm(one) + 1e-5 * np.sqrt(one.size)
        assert np.linalg.norm(two - one) <= allowed, one.shape


def assert_same_next_step(restored, distiller, examples, epochs):
    """The optimizer's state is there, too: the weights change alike.

    Args:
        restored: a distiller that was saved and loaded.
        distiller: the one that it was.
        examples: images and labels, as it takes them.
        epochs: how many it has trained.
    """
    images, labels = examples
    before = snapshot(distiller)
    logs = []
    for model in (restored, distiller):
        model.run_eagerly = True
        logs.append(
            model.fit(
                images,
                labels,
                epochs=epochs + 1,
                initial_epoch=epochs,
                shuffle=False,
                verbose=0,
            ).history
        )
    for name, values in logs[1].items():
        np.testing.assert_allclose(
            logs[0][name], values, rtol=1e-4, err_msg=name
        )
    assert_same_changes(before, snapshot(restored), snapshot(distiller))
