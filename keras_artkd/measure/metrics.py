"""Metrics of a classifier's logits: accuracy, confusion, calibration."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from keras_artkd.measure.confusions import count_confusions
from keras_artkd.types import Array

NUM_CALIBRATION_BINS = 15
TOP_K = 5


def classification_metrics(
    labels: npt.ArrayLike, logits: npt.ArrayLike, class_names: Iterable[object]
) -> dict[str, Any]:
    """Measures a classifier from its logits, ready for `json.dump`.

    All arithmetic is float64, and probabilities come from a stable
    log-softmax. Therefore logits of any finite size are measured well.

    The expected calibration error sorts the examples into 15 bins of equal
    width by confidence (the largest probability; bin m holds
    `(m - 1) / 15 < confidence <= m / 15`) and is

        sum over bins of  (bin's count / n) * |bin's accuracy
                                               - bin's mean confidence|

    Equal logits are ranked by class index, as `argmax` does, so a network
    with a constant answer scores no more than its share.

    Args:
        labels: true class indices, integer, `(n,)`, in `[0, classes)`.
        logits: unnormalised scores, float, `(n, classes)`, finite.
        class_names: `classes` names, in the order of the logits.

    Returns:
        A dict of plain Python values:
            `num_examples`: n.
            `accuracy`: share of examples classified correctly.
            `macro_accuracy`: mean recall of the classes that occur, each
                class with the same weight, however rare.
            `top5_accuracy`: share whose true class is among the five
                largest logits; only present with more than five classes.
            `negative_log_likelihood`: mean over examples, nats.
            `expected_calibration_error`: in `[0, 1]`, see above.
            `per_class`: a list of `{name, count, accuracy}`, accuracy
                `None` for a class that does not occur.
            `confusions`: a list of `[true class, predicted class, count]`,
                of the pairs that occur; `confusion_matrix` makes a matrix of
                the whole.

    Raises:
        ValueError: if shapes disagree, a label is out of range or not an
            integer, or a logit is not finite.

    Reference: Guo, Pleiss, Sun, Weinberger, "On Calibration of Modern
        Neural Networks", ICML 2017, https://arxiv.org/abs/1706.04599,
        equations 2-3 (expected calibration error, 15 bins).
    """
    logits = _check_logits("logits", logits)
    num_examples, num_classes = logits.shape
    labels = _check_labels(labels, num_examples, num_classes)
    names = [str(name) for name in class_names]
    if len(names) != num_classes:
        raise ValueError(
            "`class_names` must name every column of `logits`. Received: "
            f"{len(names)} names, logits.shape={logits.shape}. Fix: "
            "pass the names in the order the network was trained with."
        )

    predictions = logits.argmax(axis=1)
    correct = predictions == labels
    counts = np.bincount(labels, minlength=num_classes)
    right = np.bincount(labels[correct], minlength=num_classes)
    occurs = counts > 0
    recall = right[occurs] / counts[occurs]

    log_probabilities = _log_softmax(logits)
    confidence = np.exp(log_probabilities.max(axis=1))

    metrics = {
        "num_examples": num_examples,
        "accuracy": float(correct.mean()),
        "macro_accuracy": float(recall.mean()),
        "negative_log_likelihood": float(
            -log_probabilities[np.arange(num_examples), labels].mean()
        ),
        "expected_calibration_error": _calibration_error(confidence, correct),
        "per_class": [
            {
                "name": name,
                "count": int(count),
                "accuracy": float(hits / count) if count else None,
            }
            for name, count, hits in zip(names, counts, right, strict=True)
        ],
        "confusions": count_confusions(labels, predictions),
    }
    if num_classes > TOP_K:
        metrics["top5_accuracy"] = float((ranks(labels, logits) < TOP_K).mean())
    return metrics


def agreement(logits_a: npt.ArrayLike, logits_b: npt.ArrayLike) -> float:
    """Returns the share of examples two networks classify alike.

    Args:
        logits_a: unnormalised scores, `(n, classes)`, finite.
        logits_b: the other network's, of the same shape.

    Returns:
        A float in `[0, 1]`.

    Raises:
        ValueError: if the shapes differ or a logit is not finite.
    """
    logits_a = _check_logits("logits_a", logits_a)
    logits_b = _check_logits("logits_b", logits_b)
    if logits_a.shape != logits_b.shape:
        raise ValueError(
            "Both logits must have the same shape (row i of each is the "
            f"same example). Received: logits_a.shape={logits_a.shape}, "
            f"logits_b.shape={logits_b.shape}. Fix: run both networks on "
            "the same images."
        )
    return float((logits_a.argmax(axis=1) == logits_b.argmax(axis=1)).mean())


def _check_logits(name: str, values: npt.ArrayLike) -> Array:
    logits = np.asarray(values)
    if logits.ndim != 2 or 0 in logits.shape:
        raise ValueError(
            f"`{name}` must have shape (n, classes), neither empty. "
            f"Received: {name}.shape={logits.shape}. Fix: pass one row of "
            "class scores for each example."
        )
    logits = logits.astype(np.float64)
    bad = ~np.isfinite(logits).all(axis=1)
    if bad.any():
        raise ValueError(
            f"`{name}` must be finite (a NaN has no rank). Received: "
            f"{bad.sum()} of {len(logits)} rows with NaN or infinity, the "
            f"first at row {bad.argmax()}. Fix: find out where the network "
            "overflows; its weights or its input are probably not finite."
        )
    return logits


def _check_labels(
    values: npt.ArrayLike, num_examples: int, num_classes: int
) -> Array:
    labels = np.asarray(values)
    if labels.shape != (num_examples,):
        raise ValueError(
            "`labels` must have shape (n,), one class index for each row of "
            f"`logits`. Received: labels.shape={labels.shape}, "
            f"n={num_examples}. Fix: pass indices; for one-hot rows, "
            "labels.argmax(axis=1)."
        )
    if not np.issubdtype(labels.dtype, np.integer):
        raise ValueError(
            "`labels` must be integers (they index classes). Received: "
            f"labels.dtype={labels.dtype}. Fix: labels.astype('int64')."
        )
    outside = (labels < 0) | (labels >= num_classes)
    if outside.any():
        raise ValueError(
            f"`labels` must lie in [0, {num_classes}), the columns of "
            f"`logits`. Received: {np.unique(labels[outside])[:10].tolist()}"
            f", the first at row {outside.argmax()}. Fix: count classes "
            "from 0, and evaluate with the classes the network was "
            "trained on."
        )
    return labels.astype(np.int64)


def softmax(logits: npt.ArrayLike) -> Array:
    """Probabilities `(n, classes)`, float64, of finite logits of any size."""
    return np.exp(_log_softmax(np.asarray(logits, "float64")))


def calibration_bin(confidence: Array) -> Array:
    """The bin, of 15, that each confidence in [0, 1] falls into."""
    # right=True closes each bin above, as the paper's bins are.
    inner_edges = np.linspace(0.0, 1.0, NUM_CALIBRATION_BINS + 1)[1:-1]
    return np.digitize(confidence, inner_edges, right=True)


def ranks(labels: Array, logits: Array) -> Array:
    """The number of classes that come before the true one, `(n,)`.

    Equal logits are ranked by class index.
    """
    own = np.take_along_axis(logits, labels[:, None], axis=1)
    earlier = np.arange(logits.shape[1]) < labels[:, None]
    return ((logits > own) | ((logits == own) & earlier)).sum(axis=1)


def _log_softmax(logits: Array) -> Array:
    shifted = logits - logits.max(axis=1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))


def _calibration_error(confidence: Array, correct: Array) -> float:
    bins = calibration_bin(confidence)
    # count / n * |mean accuracy - mean confidence| = |sum of gaps| / n:
    # no division, so an empty bin needs no special case.
    gaps = np.bincount(
        bins, weights=correct - confidence, minlength=NUM_CALIBRATION_BINS
    )
    return float(np.abs(gaps).sum() / len(confidence))
