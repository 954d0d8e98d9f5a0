"""Intervals and tests against published values and plain loops."""

import numpy as np
import pytest

from keras_artkd.measure.intervals import (
    calibration_bins,
    may_be_chance,
    mcnemar,
    metric_intervals,
    paired_difference,
    share_interval,
    wilson_interval,
)
from keras_artkd.measure.metrics import classification_metrics, softmax


def predictions(count=200, classes=7, seed=0):
    random = np.random.default_rng(seed)
    labels = random.integers(0, classes, count)
    logits = random.normal(size=(count, classes))
    logits[np.arange(count), labels] += 1.0
    return labels, logits


def test_a_share_is_that_of_whole_images():
    # 0.29 * 100 is 28.999999999999996.
    assert share_interval(0.29, 100) == wilson_interval(29, 100)
    assert share_interval(1.0, 7) == wilson_interval(7, 7)


def test_wilson_published():
    """Newcombe, Statistics in Medicine 17 (1998), table I, method 3."""
    for successes, count, low, high in (
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ):
        assert wilson_interval(successes, count) == pytest.approx(
            (low, high), abs=5e-5
        )


def test_wilson_at_the_ends():
    assert wilson_interval(5, 5)[1] == 1.0
    low, high = wilson_interval(3, 5, level=0.99)
    assert (
        low < wilson_interval(3, 5)[0] < 0.6 < wilson_interval(3, 5)[1] < high
    )
    with pytest.raises(ValueError, match="successes=6, count=5"):
        wilson_interval(6, 5)


def test_bootstrap_equals_a_plain_loop():
    labels, logits = predictions(60)
    names = [str(i) for i in range(7)]
    generator = np.random.default_rng(3)
    chosen = generator.integers(0, 60, (100, 60))
    values = {}
    for rows in chosen:
        metrics = classification_metrics(labels[rows], logits[rows], names)
        for name in metrics:
            values.setdefault(name, []).append(metrics[name])
    intervals = metric_intervals(labels, logits, resamples=100, seed=3)
    assert set(intervals) == {
        "accuracy",
        "macro_accuracy",
        "top5_accuracy",
        "expected_calibration_error",
    }
    low, high = np.quantile(
        values["expected_calibration_error"], [0.025, 0.975]
    )
    reached = intervals["expected_calibration_error"]
    assert reached[0] <= low and reached[1] >= high


def test_shares_of_the_images_are_wilsons():
    labels, logits = predictions(60)
    metrics = classification_metrics(labels, logits, list("abcdefg"))
    intervals = metric_intervals(labels, logits, resamples=10)
    for name in ("accuracy", "top5_accuracy"):
        right = round(60 * metrics[name])
        assert intervals[name] == wilson_interval(right, 60)


def test_macro_interval_holds_its_own_estimate():
    """Small classes, of which one is always right, another mostly."""
    labels = np.repeat(np.arange(17), 5)
    logits = np.tile(np.eye(17)[3], (85, 1))
    logits[:4, 0] = 2.0
    low, high = metric_intervals(labels, logits)["macro_accuracy"]
    assert low <= 1.8 / 17 <= high
    # And of classes of equal size it is the accuracy's own, as it must be.
    labels, logits = predictions(2800)
    order = np.argsort(labels, kind="stable")
    counts = np.bincount(labels)
    keep = np.concatenate(
        [order[labels[order] == c][: counts.min()] for c in range(7)]
    )
    intervals = metric_intervals(labels[keep], logits[keep], 4000)
    assert intervals["macro_accuracy"] == pytest.approx(
        intervals["accuracy"], abs=0.004
    )


@pytest.mark.parametrize(
    ("counts", "told"),
    [
        ([5] * 10, True),
        ([20] * 9 + [3], True),
        ([4] * 10, False),
        ([1] * 10, False),
        # One class is more uncertain than all the others together.
        ([20] * 9 + [1], False),
        ([200, 2], False),
        ([0, 9, 9], True),
    ],
)
def test_macro_interval_needs_images_of_each_class(counts, told):
    """None, rather than one of no width, or far too narrow."""
    labels = np.repeat(np.arange(len(counts)), counts)
    random = np.random.default_rng(0)
    hits = trials = 0
    for seed in range(100):
        right = random.random(len(labels)) < 0.7
        answers = np.where(right, labels, (labels + 1) % len(counts))
        logits = np.eye(len(counts))[answers]
        intervals = metric_intervals(labels, logits, 200, seed)
        assert ("macro_accuracy" in intervals) == told
        if told:
            low, high = intervals["macro_accuracy"]
            hits += low <= 0.7 <= high
            trials += 1
    # At 95 % so few would come once in several hundred times.
    assert hits >= 0.87 * trials


def test_macro_interval_of_no_width_is_none():
    labels = np.repeat(np.arange(3), 40)
    logits = np.eye(3)[np.where(labels == 2, 0, labels)]
    assert "macro_accuracy" not in metric_intervals(labels, logits, 100)


def test_calibration_interval_needs_images():
    name = "expected_calibration_error"
    assert name not in metric_intervals(*predictions(49), resamples=100)
    assert name in metric_intervals(*predictions(50), resamples=100)


def test_accuracy_holds_the_truth_as_often_as_it_says():
    hits = 0
    for seed in range(200):
        random = np.random.default_rng(seed)
        labels = np.zeros(150, int)
        right = random.random(150) < 0.7
        logits = np.where(right[:, None], [1.0, 0.0], [0.0, 1.0])
        low, high = metric_intervals(labels, logits, 300, seed)["accuracy"]
        hits += low <= 0.7 <= high
    assert 0.90 <= hits / 200 <= 0.99


@pytest.mark.parametrize("sharpness", [1.0, 1.15, 1.6])
def test_calibration_interval_holds_the_truth(sharpness):
    """Perfect, good and bad calibration, by the logits' scale."""

    def sample(count, seed):
        random = np.random.default_rng(seed)
        logits = 2 * random.normal(size=(count, 10))
        cumulated = softmax(logits).cumsum(axis=1)
        labels = (cumulated > random.random((count, 1))).argmax(axis=1)
        return labels, sharpness * logits

    def error(labels, logits):
        metrics = classification_metrics(labels, logits, list("abcdefghij"))
        return metrics["expected_calibration_error"]

    truth = error(*sample(300_000, seed=999)) if sharpness > 1 else 0.0
    hits = 0
    for seed in range(60):
        labels, logits = sample(300, seed)
        low, high = metric_intervals(labels, logits, 200)[
            "expected_calibration_error"
        ]
        assert low <= error(labels, logits) <= high
        hits += low <= truth <= high
    # Of 60 at 95 %, fewer than 52 would come once in a thousand times.
    assert hits >= 52


def test_two_classes_have_no_top5():
    labels, logits = predictions(classes=2)
    assert "top5_accuracy" not in metric_intervals(labels, logits, 10)


def test_bins_add_up_to_the_calibration_error():
    labels, logits = predictions()
    bins = calibration_bins(labels, logits)
    assert bins["count"].sum() == 200
    gap = np.abs(bins["accuracy"] - bins["confidence"])
    error = np.nansum(bins["count"] / 200 * gap)
    metrics = classification_metrics(labels, logits, list("abcdefg"))
    assert error == pytest.approx(metrics["expected_calibration_error"])
    used = bins["count"] > 0
    assert np.isnan(bins["accuracy"][~used]).all()
    assert (bins["confidence"] <= bins["upper"])[used].all()
    assert (bins["confidence"] > bins["lower"])[used].all()


def test_mcnemar_by_hand():
    """Of 5 discordant images 4 favour B: 2 (1 + 5) / 32."""
    a = np.array([1, 1, 0, 0, 0, 0, 1, 0])
    b = np.array([1, 1, 1, 1, 1, 1, 0, 0])
    assert mcnemar(a, b) == pytest.approx(12 / 32)
    assert mcnemar(b, a) == pytest.approx(12 / 32)
    assert mcnemar(a, a) == 1.0
    many = np.arange(3000) % 2
    assert mcnemar(many, 1 - many) == 1.0
    assert mcnemar(np.zeros(2000), np.ones(2000)) == 0.0


def test_paired_difference():
    random = np.random.default_rng(0)
    a = random.random(500) < 0.6
    b = np.where(random.random(500) < 0.1, ~a, a)
    difference, low, high = paired_difference(a, b)
    assert difference == pytest.approx(b.mean() - a.mean())
    # The normal interval of paired shares, which it must be near.
    gain = b.astype(float) - a
    spread = 1.96 * gain.std() / np.sqrt(500)
    assert (low, high) == pytest.approx(
        (difference - spread, difference + spread), abs=0.004
    )
    assert paired_difference(a, b) == (difference, low, high)
    with pytest.raises(ValueError, match=r"\(500,\) and \(499,\)"):
        paired_difference(a, b[1:])


@pytest.mark.parametrize(
    ("own", "other", "number", "chance"),
    [
        (0.50, 0.50, 300, True),
        (0.50, 0.53, 300, True),
        (0.50, 0.54, 300, False),
        (0.50, 0.54, 30, True),
        # All right but one image, or three, are as good; but four are not.
        (0.99, 1.0, 100, True),
        (0.97, 1.0, 100, True),
        (0.96, 1.0, 100, False),
        (0.0, 1.0, 3, True),
    ],
)
def test_what_may_be_chance(own, other, number, chance):
    for pair in ((own, other), (other, own)):
        assert may_be_chance(*pair, number, correlation=0.8) == chance
