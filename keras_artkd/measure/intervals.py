"""Confidence intervals and tests of measured numbers; NumPy only."""

import math
import statistics
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from keras_artkd.measure.metrics import (
    NUM_CALIBRATION_BINS,
    TOP_K,
    calibration_bin,
    ranks,
    softmax,
)
from keras_artkd.types import Array

# Resamples computed at once: this limits the memory for any test split.
_CHUNK = 100
# Drawing among n images shows (n - 1) / n of the variance. With fewer images
# an interval would be more than a tenth too narrow.
FEWEST_OF_A_CLASS = 5
# With fewer images the calibration error's interval holds the truth too
# rarely: with 20, where calibration is bad, three times in four.
FEWEST_CALIBRATED = 50


def wilson_interval(
    successes: int, count: int, level: float = 0.95
) -> tuple[float, float]:
    """Returns the Wilson score interval of a share, `(low, high)`.

    Args:
        successes: int, in `[0, count]`.
        count: int >= 1.
        level: float in (0, 1), the share of such intervals that hold the
            truth.

    Reference: Wilson, "Probable Inference, the Law of Succession, and
        Statistical Inference", JASA 22, 1927.
    """
    if not 0 <= successes <= count or count < 1:
        raise ValueError(
            "`successes` must lie in [0, count], `count` be at least 1. "
            f"Received: successes={successes}, count={count}."
        )
    z = statistics.NormalDist().inv_cdf((1 + level) / 2)
    share = successes / count
    centre = share + z * z / (2 * count)
    spread = z * math.sqrt(
        share * (1 - share) / count + z * z / (4 * count * count)
    )
    scale = 1 + z * z / count
    # Exactly 0 or 1 at the ends, without rounding errors.
    low = (centre - spread) / scale if successes else 0.0
    high = (centre + spread) / scale if successes < count else 1.0
    return low, high


def share_interval(
    share: float, count: int, level: float = 0.95
) -> tuple[float, float]:
    """Returns the Wilson score interval of a share of `count` images."""
    return wilson_interval(round(share * count), count, level)


def metric_intervals(
    labels: npt.ArrayLike,
    logits: npt.ArrayLike,
    resamples: int = 2000,
    seed: int = 0,
    level: float = 0.95,
) -> dict[str, tuple[float, float]]:
    """Intervals of a classifier's metrics.

    Of shares of the images they are Wilson's: draws of none or of all of them
    would not differ. Of the others they are the bootstrap's: images are drawn
    again with replacement, as many as there are, for the macro accuracy within
    each class (otherwise small classes would be missing in some draws, and the
    rest too good), and the interval goes from percentile to percentile.

    The interval of the calibration error is wider. That error is a sum of
    absolute values: drawing again makes it larger, and where calibration is
    good no percentile reaches the truth. Therefore its interval holds the
    percentiles and their reflection at the estimate (the basic bootstrap). It
    also holds zero where a network of perfect calibration would show as much
    in one of twenty draws.

    A metric of too few images has no interval, rather than a narrow one: the
    calibration error of fewer than 50 images; the macro accuracy where draws
    show less of its variance than of classes with five images each, or where
    each class is all right or all wrong.

    Args:
        labels: true class indices, `(n,)`.
        logits: `(n, classes)`.
        resamples: int, number of draws.
        seed: int.
        level: float in (0, 1).

    Returns:
        dict of metric name (as of `classification_metrics`) -> `(low, high)`:
        `accuracy`, with enough images `macro_accuracy` and
        `expected_calibration_error`, and with more than five classes
        `top5_accuracy`.

    Reference: Efron and Tibshirani, "An Introduction to the Bootstrap",
        1993, chapter 13.
    """
    labels = np.asarray(labels)
    logits = np.asarray(logits, "float64")
    count, classes = logits.shape
    correct = logits.argmax(axis=1) == labels
    confidence = softmax(logits).max(axis=1)
    bins = calibration_bin(confidence)
    intervals = {"accuracy": wilson_interval(int(correct.sum()), count, level)}
    if classes > TOP_K:
        in_top = int((ranks(labels, logits) < TOP_K).sum())
        intervals["top5_accuracy"] = wilson_interval(in_top, count, level)
    macro = _draw_macro(labels, correct, resamples, seed)
    if _shows_enough(labels) and np.ptp(macro) > 0:
        intervals["macro_accuracy"] = _percentiles(macro, level)
    if count >= FEWEST_CALIBRATED:
        errors = np.concatenate(
            [
                _calibration_errors(weights * (correct - confidence), bins)
                for weights in _draws(count, resamples, seed)
            ]
        )
        intervals["expected_calibration_error"] = _calibration_interval(
            errors, correct, confidence, seed, level
        )
    return intervals


def _shows_enough(labels: Array) -> bool:
    """Whether draws within each class show the macro accuracy's variance.

    For classes that are equally hard it is the sum over 1 / images.
    """
    counts = np.bincount(labels)
    share = 1 / counts[counts > 0]
    shown = (share * (1 - share)).sum() / share.sum()
    return bool(shown > 1 - 1 / FEWEST_OF_A_CLASS - 1e-9)


def _draw_macro(
    labels: Array, correct: Array, resamples: int, seed: int
) -> Array:
    """Macro accuracies of draws within each class, `(resamples,)`."""
    counts = np.bincount(labels)
    right = np.bincount(labels, weights=correct)[counts > 0]
    counts = counts[counts > 0]
    # Draws with replacement from right and wrong ones are a binomial.
    drawn = np.random.default_rng(seed).binomial(
        counts, right / counts, (resamples, len(counts))
    )
    macro: Array = (drawn / counts).mean(axis=1)
    return macro


def _calibration_interval(
    samples: Array,
    correct: Array,
    confidence: Array,
    seed: int,
    level: float,
) -> tuple[float, float]:
    """See `metric_intervals`."""
    bins = calibration_bin(confidence)
    (error,) = _calibration_errors((correct - confidence)[None], bins)
    low, high = _percentiles(samples, level)
    low, high = min(low, 2 * error - high), max(high, 2 * error - low)
    generator = np.random.default_rng(seed)
    shape = (_CHUNK, len(confidence))
    by_chance = np.concatenate(
        [
            _calibration_errors(
                (generator.random(shape) < confidence) - confidence, bins
            )
            for _ in range(0, len(samples), _CHUNK)
        ]
    )
    if error <= np.quantile(by_chance, level):
        low = 0.0
    return max(0.0, float(low)), float(high)


def _calibration_errors(gaps: Array, bins: Array) -> Array:
    """Errors of draws, from each image's gap in each draw `(draws, n)`."""
    by_bin = _sums(gaps, bins, NUM_CALIBRATION_BINS)
    return np.abs(by_bin).sum(axis=1) / gaps.shape[1]


def calibration_bins(
    labels: npt.ArrayLike, logits: npt.ArrayLike
) -> dict[str, Array]:
    """The bins of the expected calibration error.

    Returns:
        dict of arrays of 15: `lower` and `upper` edges of confidence,
        `count`, mean `confidence` and `accuracy` (NaN where there is none).
    """
    logits = np.asarray(logits, "float64")
    correct = logits.argmax(axis=1) == np.asarray(labels)
    confidence = softmax(logits).max(axis=1)
    bins = calibration_bin(confidence)
    edges = np.linspace(0.0, 1.0, NUM_CALIBRATION_BINS + 1)

    def total(weights: Array | None) -> Array:
        return np.bincount(
            bins, weights=weights, minlength=NUM_CALIBRATION_BINS
        )

    count = total(None)
    with np.errstate(invalid="ignore"):
        return {
            "lower": edges[:-1],
            "upper": edges[1:],
            "count": count,
            "confidence": total(confidence) / count,
            "accuracy": total(correct) / count,
        }


def paired_difference(
    correct_a: npt.ArrayLike,
    correct_b: npt.ArrayLike,
    resamples: int = 2000,
    seed: int = 0,
    level: float = 0.95,
) -> tuple[float, float, float]:
    """Difference in accuracy of B and A on the same images.

    Args:
        correct_a: bool `(n,)`, whether A is right about each image.
        correct_b: bool `(n,)`, the same of B, in the same order.
        resamples: int, bootstrap draws of the images.
        seed: int.
        level: float in (0, 1).

    Returns:
        `(difference, low, high)`, shares.

    Raises:
        ValueError: if the lengths differ.
    """
    gain = _paired(correct_b, correct_a)
    draws = np.concatenate(
        [
            weights @ gain / len(gain)
            for weights in _draws(len(gain), resamples, seed)
        ]
    )
    return (float(gain.mean()), *_percentiles(draws, level))


def mcnemar(correct_a: npt.ArrayLike, correct_b: npt.ArrayLike) -> float:
    """Returns the exact two-sided p-value that A and B are equally accurate.

    Only the images count that one of them has right and the other wrong.
    Each is a fair coin if A and B are equal.

    Args:
        correct_a: bool `(n,)`, whether A is right about each image.
        correct_b: bool `(n,)`, the same of B, in the same order.

    Reference: McNemar, "Note on the sampling error of the difference between
        correlated proportions or percentages", Psychometrika 12, 1947.
    """
    gain = _paired(correct_b, correct_a)
    better, worse = int((gain > 0).sum()), int((gain < 0).sum())
    flips = better + worse
    tail = sum(math.comb(flips, k) for k in range(min(better, worse) + 1))
    return min(1.0, 2 * tail / 2**flips)


def _paired(correct_b: npt.ArrayLike, correct_a: npt.ArrayLike) -> Array:
    """Of each image 1 if B alone is right, -1 if A alone is, otherwise 0."""
    b, a = np.asarray(correct_b, bool), np.asarray(correct_a, bool)
    if b.shape != a.shape or b.ndim != 1 or not len(b):
        raise ValueError(
            "Paired results must be about the same images, at least one. "
            f"Received: shapes {a.shape} and {b.shape}."
        )
    return b.astype("int64") - a.astype("int64")


def _draws(count: int, resamples: int, seed: int) -> Iterator[Array]:
    """Yields how often each draw holds each image: int `(some, count)`."""
    generator = np.random.default_rng(seed)
    for start in range(0, resamples, _CHUNK):
        rows = min(_CHUNK, resamples - start)
        chosen = generator.integers(0, count, (rows, count))
        chosen += count * np.arange(rows)[:, None]
        yield np.bincount(chosen.ravel(), minlength=rows * count).reshape(
            rows, count
        )


def _sums(weights: Array, groups: Array, number: int) -> Array:
    """Sums of weights `(draws, n)` over groups `(n,)`: `(draws, number)`."""
    order = np.argsort(groups, kind="stable")
    ends = np.cumsum(np.bincount(groups, minlength=number))
    totals = np.cumsum(weights[:, order], axis=1, dtype="float64")
    totals = np.concatenate([np.zeros((len(weights), 1)), totals], axis=1)
    return np.diff(totals[:, [0, *ends]], axis=1)


def _percentiles(samples: Array, level: float) -> tuple[float, float]:
    low, high = np.quantile(samples, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def may_be_chance(
    own: float, other: float, number: int, correlation: float
) -> bool:
    """Whether two accuracies on the same images differ by chance alone.

    What chance does to one it does to the other in part.

    Args:
        own: a share of the images.
        other: another one.
        number: int, how many images.
        correlation: float in [0, 1], of being right about the same images.
    """
    number = max(number, 1)
    variance = own * (1 - own) + other * (1 - other)
    error = math.sqrt((1 - correlation) * variance / number)
    # By McNemar's test one that is right about all others and k more is better
    # where k > 1.96 sqrt(k).
    error = max(error, 1.96 / number)
    return abs(own - other) < 1.96 * error
