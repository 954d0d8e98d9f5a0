"""The classifier of a network, fitted on its features before the training.

A random classifier on a pretrained network wrecks the first epochs: its
gradients are large and tell nothing. Logistic regression on the frozen
features gives one that is right from the start, and tells how far the features
alone go.
"""

import dataclasses
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from keras_artkd.data.store import ImageStore
from keras_artkd.datasets import Collection
from keras_artkd.files import read_arrays, write_atomically
from keras_artkd.measure.metrics import classification_metrics
from keras_artkd.models import is_inherited
from keras_artkd.models.levels import level_sizes
from keras_artkd.runs.batches import evaluation_batches
from keras_artkd.runs.networks import build_student
from keras_artkd.runs.plan import Plan
from keras_artkd.types import Array, Path

# Strengths of regularisation to choose from, weak ones last.
_STRENGTHS = (0.003, 0.01, 0.03, 0.1, 0.3, 1.0)
# More images than these make a classifier little better and take minutes.
_MOST_IMAGES = 4000
_ITERATIONS = 200
# Standard errors.
_BEYOND_CHANCE = 1.96


@dataclasses.dataclass(frozen=True)
class Head:
    """A classifier on features.

    Attributes:
        kernel: float32 `(features, classes)`.
        bias: float32 `(classes,)`.
        strength: float, scikit-learn's C, chosen by validation.
        balanced: bool, whether every class weighed the same, however many
            images it has.
        validation_accuracy: float.
    """

    kernel: Array
    bias: Array
    strength: float
    balanced: bool
    validation_accuracy: float

    def logits(self, features: Array) -> Array:
        """Returns `(n, classes)` of features `(n, features)`."""
        logits: Array = features @ self.kernel + self.bias
        return logits

    def write(self, path: Path) -> None:
        """Writes the classifier as `.npz`."""
        arrays = dataclasses.asdict(self)
        write_atomically(path, lambda p: np.savez(p, **arrays))

    @classmethod
    def read(cls, path: Path) -> "Head":
        """Reads what `write` wrote."""
        arrays = read_arrays(path, "remove the run's folder and start over")
        return cls(
            arrays["kernel"],
            arrays["bias"],
            float(arrays["strength"]),
            # Of older versions every one is.
            bool(arrays.get("balanced", True)),
            float(arrays["validation_accuracy"]),
        )


def is_all_inherited(network: keras.Model) -> bool:
    """Whether nothing but the classifier of a network is its own."""
    own = [layer.name for layer in network.layers if not is_inherited(layer)]
    return own == ["logits"]


def has_classifier(network: keras.Model) -> bool:
    """Whether a network ends in a Dense layer that `Head` can replace."""
    return any(
        layer.name == "logits" and isinstance(layer, keras.layers.Dense)
        for layer in network.layers
    )


def feature_model(network: keras.Model) -> keras.Model:
    """The network up to what its classifier reads."""
    return keras.Model(network.inputs[0], network.get_layer("logits").input)


def labelled(store: ImageStore) -> ImageStore:
    """The images of a store that have a label."""
    if store.has_label.all():
        return store
    return store.take(np.flatnonzero(store.has_label))


def choose_images(store: ImageStore, seed: int) -> ImageStore:
    """At most as many images as a classifier needs, drawn at random."""
    if len(store) <= _MOST_IMAGES:
        return store
    order = np.random.default_rng(seed).permutation(len(store))
    return store.take(np.sort(order[:_MOST_IMAGES]))


def fit_head(
    features: Array,
    labels: Array,
    validation_features: Array,
    validation_labels: Array,
    num_classes: int,
    levels: Sequence[int] | None = None,
    like: Head | None = None,
) -> Head:
    """Fits logistic regression, its regularisation chosen by validation.

    Every class weighs the same: the rare ones of few images would otherwise
    be forgotten. Where that is right about fewer validation images, beyond
    chance, every image weighs the same.

    Args:
        features: `(n, features)`, of the training images.
        labels: int `(n,)`.
        validation_features: as `features`, of the validation images.
        validation_labels: int.
        num_classes: int; a class without images gets the least bias.
        levels: how many features each level has, of features from several
            depths; they weigh the same together, however many each has.
        like: `Head` that says how to fit; None lets validation choose.

    Returns:
        `Head`, with the smallest strength of those that are equally right.
    """
    mean, spread = features.mean(axis=0), features.std(axis=0) + 1e-6
    if levels is not None:
        weights = np.sqrt(len(features[0]) / len(levels) / np.array(levels))
        spread = spread / np.repeat(weights, levels)
    standard = (features - mean) / spread
    models = {
        balanced: LogisticRegression(
            max_iter=_ITERATIONS,
            warm_start=True,
            class_weight="balanced" if balanced else None,
        )
        for balanced in (True, False)
    }

    def fitted(strength: float, balanced: bool) -> Head:
        model = models[balanced].set_params(C=strength)
        # Its products are small: threads would wait for each other longer
        # than they compute.
        with threadpool_limits(1, "blas"):
            model.fit(standard, labels)
        kernel, bias = _as_columns(model, num_classes)
        kernel = kernel / spread[:, None]
        bias = (bias - mean @ kernel).astype("float32")
        head = Head(kernel.astype("float32"), bias, strength, balanced, 0.0)
        return dataclasses.replace(
            head, validation_accuracy=float(right(head).mean())
        )

    def right(head: Head) -> Array:
        hit: Array = head.logits(validation_features).argmax(1)
        return hit == validation_labels

    if like is not None:
        return fitted(like.strength, like.balanced)
    tried = [fitted(strength, True) for strength in _STRENGTHS]
    best = max(tried, key=lambda head: head.validation_accuracy)
    plain = fitted(best.strength, False)
    gained = right(plain).astype(int) - right(best)
    # McNemar's test: of the images about which they differ.
    clearly = gained.sum() > _BEYOND_CHANCE * np.sqrt(np.abs(gained).sum())
    return plain if clearly else best


def _as_columns(model: Any, num_classes: int) -> tuple[Array, Array]:
    """Weights of a fitted model, a column for each of all classes."""
    coefficients, intercepts = model.coef_, model.intercept_
    if len(model.classes_) == 2:
        # One row tells the second class from the first.
        coefficients = np.concatenate([-coefficients, coefficients]) / 2
        intercepts = np.concatenate([-intercepts, intercepts]) / 2
    kernel = np.zeros((coefficients.shape[1], num_classes))
    bias = np.full(num_classes, intercepts.min() - 1)
    kernel[:, model.classes_] = coefficients.T
    bias[model.classes_] = intercepts
    return kernel, bias


def start_with_head(
    network: keras.Model,
    data: Collection,
    plan: Plan,
    like: Head | None = None,
) -> Head:
    """Gives a network the classifier that its features make possible.

    Args:
        network: the student, all of it but the classifier inherited.
        data: a `datasets.Collection`; its test split is not looked at.
        plan: `Plan`.
        like: see `fit_head`.
    """
    assert isinstance(data.train, ImageStore)
    extract = feature_model(network)
    train = choose_images(labelled(data.train), plan.config.schedule.seed)

    def features(store: ImageStore) -> Array:
        answers: Array = extract.predict(
            evaluation_batches(plan, store, network), verbose=0
        )
        return answers.astype("float32")

    head = fit_head(
        features(train),
        train.labels,
        features(data.validation),
        data.validation.labels,
        len(data.class_names),
        level_sizes(network),
        like,
    )
    network.get_layer("logits").set_weights([head.kernel, head.bias])
    return head


def measure_frozen(plan: Plan, data: Collection, head: Head) -> dict[str, Any]:
    """Tests the classifier on the features as they were inherited."""
    network = build_student(plan, len(data.class_names))
    network.get_layer("logits").set_weights([head.kernel, head.bias])
    logits = network.predict(
        evaluation_batches(plan, data.test, network), verbose=0
    )
    metrics = classification_metrics(data.test.labels, logits, data.class_names)
    return {
        "strength": head.strength,
        "validation_accuracy": head.validation_accuracy,
        "test_accuracy": metrics["accuracy"],
        "test_macro_accuracy": metrics["macro_accuracy"],
    }
