import json
import math

import numpy as np
import pytest

from keras_artkd.measure.confusions import confusion_cells, confusion_matrix
from keras_artkd.measure.metrics import agreement, classification_metrics

NAMES = ["baroque", "cubism", "pop"]


def test_by_hand():
    """Four examples, worked out on paper.

    Logits are logs of probabilities, so softmax gives them back:
        true 0: (0.5, 0.3, 0.2) right,  confidence 0.5
        true 0: (0.1, 0.8, 0.1) wrong,  confidence 0.8
        true 1: (0.2, 0.7, 0.1) right,  confidence 0.7
        true 0: (0.6, 0.2, 0.2) right,  confidence 0.6
    Accuracy 3/4; recall 2/3 and 1, class 2 absent: macro 5/6.
    The confidences fall into bins of their own (7.5, 12, 10.5, 9 of 15):
    calibration error (|1-.5| + |0-.8| + |1-.7| + |1-.6|) / 4 = 0.5.
    Likelihood: -ln(0.5 * 0.1 * 0.7 * 0.6) / 4.
    """
    probabilities = [
        [0.5, 0.3, 0.2],
        [0.1, 0.8, 0.1],
        [0.2, 0.7, 0.1],
        [0.6, 0.2, 0.2],
    ]
    metrics = classification_metrics([0, 0, 1, 0], np.log(probabilities), NAMES)
    assert metrics["num_examples"] == 4
    assert metrics["accuracy"] == 0.75
    assert metrics["macro_accuracy"] == pytest.approx(5 / 6)
    assert metrics["expected_calibration_error"] == pytest.approx(0.5)
    assert metrics["negative_log_likelihood"] == pytest.approx(
        -math.log(0.5 * 0.1 * 0.7 * 0.6) / 4
    )
    assert metrics["confusions"] == [[0, 0, 2], [0, 1, 1], [1, 1, 1]]
    expected = [[2, 1, 0], [0, 1, 0], [0, 0, 0]]
    np.testing.assert_array_equal(confusion_matrix(metrics), expected)
    # Runs of older versions have the matrix itself.
    old = {"confusion_matrix": expected, "per_class": metrics["per_class"]}
    np.testing.assert_array_equal(confusion_cells(old), metrics["confusions"])
    assert metrics["per_class"] == [
        {"name": "baroque", "count": 3, "accuracy": pytest.approx(2 / 3)},
        {"name": "cubism", "count": 1, "accuracy": 1.0},
        {"name": "pop", "count": 0, "accuracy": None},
    ]
    assert "top5_accuracy" not in metrics
    assert json.loads(json.dumps(metrics)) == metrics


def test_against_plain_loops():
    """The definitions, written out slowly, on 500 random examples."""
    generator = np.random.default_rng(0)
    labels = generator.integers(0, 8, 500)
    logits = generator.normal(size=(500, 8)) * 3
    logits[np.arange(500), labels] += 2
    metrics = classification_metrics(labels, logits, range(8))

    bins = [[] for _ in range(15)]
    top5, likelihood = 0, 0.0
    for label, row in zip(labels, logits, strict=True):
        exponentials = np.exp(row)
        probabilities = exponentials / exponentials.sum()
        confidence = probabilities.max()
        right = probabilities.argmax() == label
        bins[math.ceil(confidence * 15) - 1].append((right, confidence))
        likelihood -= math.log(probabilities[label])
        top5 += label in sorted(range(8), key=lambda k: -row[k])[:5]  # noqa: B023
    error = sum(
        len(b)
        / 500
        * abs(np.mean([r for r, _ in b]) - np.mean([c for _, c in b]))
        for b in bins
        if b
    )
    assert metrics["expected_calibration_error"] == pytest.approx(error)
    assert metrics["negative_log_likelihood"] == pytest.approx(likelihood / 500)
    assert metrics["top5_accuracy"] == top5 / 500
    recalls = [(logits[labels == k].argmax(1) == k).mean() for k in range(8)]
    assert metrics["macro_accuracy"] == pytest.approx(np.mean(recalls))
    assert confusion_matrix(metrics).sum() == 500


def test_huge_logits_stay_finite():
    metrics = classification_metrics(
        [0, 1], np.array([[6e4, -6e4], [6e4, -6e4]], np.float32), "ab"
    )
    assert metrics["negative_log_likelihood"] == 6e4
    assert metrics["expected_calibration_error"] == 0.5


def test_a_constant_network_scores_its_share():
    """Ties must not count as hits: 10 classes, all logits equal."""
    metrics = classification_metrics(
        np.arange(10), np.zeros((10, 10)), range(10)
    )
    assert metrics["accuracy"] == 0.1
    assert metrics["top5_accuracy"] == 0.5
    assert metrics["expected_calibration_error"] == pytest.approx(0)


def test_agreement():
    a = np.array([[1.0, 0.0], [0.0, 1.0], [2.0, 1.0], [0.0, 5.0]])
    b = np.array([[3.0, 2.0], [1.0, 0.0], [9.0, 1.0], [0.0, 0.1]])
    assert agreement(a, b) == 0.75
    assert agreement(a, a) == 1.0


@pytest.mark.parametrize(
    "labels, logits, names, match",
    [
        ([0], np.zeros(3), NAMES, r"\(n, classes\).*shape=\(3,\)"),
        ([], np.zeros((0, 3)), NAMES, "neither empty"),
        ([0, 1], np.zeros((1, 3)), NAMES, r"labels.shape=\(2,\), n=1"),
        ([[1, 0, 0]], np.zeros((1, 3)), NAMES, "argmax"),
        ([0.0], np.zeros((1, 3)), NAMES, "float64"),
        ([3], np.zeros((1, 3)), NAMES, r"\[0, 3\).*\[3\]"),
        ([-1], np.zeros((1, 3)), NAMES, r"\[-1\]"),
        ([0], np.full((1, 3), np.nan), NAMES, "row 0"),
        ([0], np.zeros((1, 3)), NAMES[:2], "2 names"),
    ],
)
def test_errors(labels, logits, names, match):
    with pytest.raises(ValueError, match=match):
        classification_metrics(labels, logits, names)


def test_agreement_errors():
    with pytest.raises(ValueError, match="same shape"):
        agreement(np.zeros((2, 3)), np.zeros((1, 3)))
    with pytest.raises(ValueError, match="logits_b.*finite"):
        agreement(np.zeros((1, 3)), np.full((1, 3), np.inf))
