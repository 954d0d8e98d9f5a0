"""Confidence in a difference between two cells, and in an order of cells."""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from scipy import stats
from scipy.optimize import brentq

from keras_artkd.types import Array

LEVEL = 0.95

Interval: TypeAlias = tuple[float, float]
Cell: TypeAlias = Mapping[int, tuple[float, Array | None]]
"""The results of a cell by seed, as `compare` takes them."""
_Error: TypeAlias = tuple[float, int]
"""Standard error of a mean, and its degrees of freedom."""


@dataclasses.dataclass(frozen=True)
class Difference:
    """Difference in accuracy between two cells, paired by seed.

    Attributes:
        seeds: tuple of int, those that both have.
        mean: float, a share.
        each: tuple of float, by seed.
        over_seeds: `(low, high)`, 95 %, of other seeds on these test images;
            None for one seed.
        over_images: `(low, high)`, 95 %, of these seeds on other test images;
            None where the runs have no predictions.
        over_both: `(low, high)`, 95 %, of other seeds and other test images;
            None without predictions, for one seed, and where nothing varies.
        p_value: float, of no difference over seeds and images; None where
            `over_both` is. One seed has none: other seeds may differ by more
            than images do.
    """

    seeds: tuple[int, ...]
    mean: float
    each: tuple[float, ...]
    over_seeds: Interval | None
    over_images: Interval | None
    over_both: Interval | None
    p_value: float | None


def mean_interval(
    values: npt.ArrayLike, level: float = LEVEL, overlap: float = 0.0
) -> Interval | None:
    """Returns Student's t interval of the mean, or None for one value.

    Args:
        values: `(n,)`.
        level: float in (0, 1).
        overlap: float, of values from random splits of the same images: the
            test images by the training images. Such values are not
            independent, for their training images are mostly the same ones.

    Reference: Nadeau and Bengio, "Inference for the Generalization Error",
        Machine Learning 52, 2003: the corrected resampled t test.
    """
    values = np.asarray(values, "float64")
    if len(values) < 2:
        return None
    error, df = _error(values)
    error *= math.sqrt(1 + len(values) * overlap)
    return _interval(values.mean(), [(error, df)], level)


def crossed_interval(
    gains: npt.ArrayLike, level: float = LEVEL
) -> tuple[Interval, float] | tuple[None, None]:
    """Interval of a mean over seeds and images, both drawn by chance.

    The half widths of the two intervals, over seeds and over images, are
    added as squares. Both contain the chance in single pairs of seed and
    image. Therefore the sum is a little too wide rather than too narrow, and
    never narrower than one of the two.

    Args:
        gains: `(seeds, images)`, two or more of either, such as 1 where B
            alone is right, -1 where A alone is, otherwise 0.
        level: float in (0, 1).

    Returns:
        `(low, high)` and the p-value of a mean of zero: 1 less the level at
        which the interval would reach zero; `(None, None)` where nothing
        varies.

    Reference: Howe, "Approximate Confidence Limits on the Mean of X + Y
        Where X and Y Are Two Tabled Independent Random Variables", JASA 69,
        1974.
    """
    gains = np.asarray(gains, "float64")
    errors = [_error(gains.mean(axis=1)), _error(gains.mean(axis=0))]
    if not any(error > 0 for error, _ in errors):
        return None, None
    mean = gains.mean()

    def beyond(p_value: float) -> float:
        return _half_width(errors, 1 - p_value) - abs(mean)

    # Smaller ones are beyond what the approximation can say.
    least = 1e-9
    p_value = least
    if beyond(least) > 0:
        # A mean of zero is not beyond any width; rounding could deny that.
        p_value = brentq(beyond, least, 1.0) if beyond(1.0) < 0 else 1.0
    return _interval(mean, errors, level), float(p_value)


def _error(values: Array) -> _Error:
    return values.std(ddof=1) / math.sqrt(len(values)), len(values) - 1


def _half_width(errors: Sequence[_Error], level: float) -> float:
    return math.hypot(
        *(stats.t.ppf((1 + level) / 2, df) * error for error, df in errors)
    )


def _interval(mean: float, errors: Sequence[_Error], level: float) -> Interval:
    half = _half_width(errors, level)
    return float(mean - half), float(mean + half)


def compare(
    *pairs: tuple[Cell, Cell], overlap: float | None = None
) -> Difference | None:
    """The `Difference` of the second cells from the first, or None.

    Args:
        *pairs: `(first, second)`, each a dict of seed -> `(accuracy,
            correct)`; `correct` says of each test image whether it is right,
            bool `(n,)`, or is None. The differences of several pairs are
            averaged.
        overlap: float, where each seed has a random split of its own, see
            `mean_interval`; None where all were tested on the same images.

    Returns:
        `Difference` of the seeds that all have, None if there are none.
    """
    seeds = sorted(set.intersection(*({*a} & {*b} for a, b in pairs)))
    if not seeds:
        return None
    each = tuple(
        float(np.mean([b[s][0] - a[s][0] for a, b in pairs])) for s in seeds
    )
    over_images = over_both = p_value = None
    correct = [[(a[s][1], b[s][1]) for a, b in pairs] for s in seeds]
    lengths = {
        None if c is None else len(c)
        for of_seed in correct
        for pair in of_seed
        for c in pair
    }
    if overlap is None and len(lengths) == 1 and None not in lengths:
        # Seeds, pairs, first and second, images.
        right = np.asarray(correct, "float64")
        gains = (right[:, :, 1] - right[:, :, 0]).mean(axis=1)
        over_images = mean_interval(gains.mean(axis=0))
        if len(seeds) > 1:
            over_both, p_value = crossed_interval(gains)
    return Difference(
        tuple(seeds),
        float(np.mean(each)),
        each,
        mean_interval(each, overlap=overlap or 0.0),
        over_images,
        over_both,
        p_value,
    )


def adjust(p_values: Sequence[float]) -> list[float]:
    """Returns Holm's adjusted p-values, in the same order.

    Reference: Holm, "A Simple Sequentially Rejective Multiple Test
        Procedure", Scandinavian Journal of Statistics 6, 1979.
    """
    order = np.argsort(p_values, kind="stable")
    adjusted, largest = [0.0] * len(p_values), 0.0
    for rank, place in enumerate(order):
        scaled = min(1.0, (len(p_values) - rank) * p_values[place])
        adjusted[place] = largest = max(largest, scaled)
    return adjusted


def judge_order(
    pairs: Sequence[tuple[str, str]],
    cells: Mapping[str, Cell],
    overlap: float | None = None,
) -> dict[str, Any]:
    """Judges whether the cells that should be higher are.

    Args:
        pairs: list of `(lower, higher)` names.
        cells: dict of name -> cell, as `compare` takes it.
        overlap: see `compare`; no pair has a p-value then.

    Returns:
        dict: `expected` (number of pairs), `measured` (of those, with both
        cells), `in_order`, `reversed`, `equal`; `shown` and `contradicted`
        (lists of pairs, in order and reversed, that are beyond chance: Holm's
        adjusted p below 0.05); `pairs` (list of dicts: `lower`, `higher`,
        `seeds`, `difference`, `p_value`, `adjusted`); `verdict` (str, in
        words).
    """
    known: list[dict[str, Any]] = []
    for lower, higher in pairs:
        difference = compare(
            (cells.get(lower, {}), cells.get(higher, {})), overlap=overlap
        )
        if difference is not None:
            known.append(
                {
                    "lower": lower,
                    "higher": higher,
                    "seeds": len(difference.seeds),
                    "difference": difference.mean,
                    "p_value": difference.p_value,
                }
            )
    p_values = [pair["p_value"] for pair in known]
    adjusted = adjust([1.0 if p is None else p for p in p_values])
    for pair, p_value in zip(known, adjusted, strict=True):
        pair["adjusted"] = p_value
    right = [pair for pair in known if pair["difference"] > 0]
    wrong = [pair for pair in known if pair["difference"] < 0]
    result = {
        "expected": len(pairs),
        "measured": len(known),
        "in_order": len(right),
        "reversed": len(wrong),
        "equal": len(known) - len(right) - len(wrong),
        "shown": _beyond_chance(right),
        "contradicted": _beyond_chance(wrong),
        "pairs": known,
    }
    result["verdict"] = _verdict(result)
    return result


def _beyond_chance(pairs: Sequence[dict[str, Any]]) -> list[tuple[str, str]]:
    return [
        (pair["lower"], pair["higher"])
        for pair in pairs
        if pair["adjusted"] < 1 - LEVEL
    ]


def _verdict(order: Mapping[str, Any]) -> str:
    measured, wrong = order["measured"], order["contradicted"]
    if not measured:
        return (
            "Whether the paper's order holds cannot be told yet: none of its "
            f"{order['expected']} pairs is measured."
        )
    counts = (
        f"{order['in_order']} of {measured} pairs are in the paper's order, "
        f"{len(order['shown'])} of them beyond chance; {order['reversed']} "
        f"are reversed, {len(wrong)} of them beyond chance"
    )
    if order["equal"]:
        counts += f"; {order['equal']} are equal"
    if measured < order["expected"]:
        counts += f"; {order['expected'] - measured} are not measured"
    if wrong:
        pairs = [f"{higher} is below {lower}" for lower, higher in wrong[:3]]
        head = f"The paper's order did not hold: {'; '.join(pairs)}."
    elif len(order["shown"]) == order["expected"]:
        head = "The paper's order held."
    elif order["shown"]:
        head = "The paper's order held in part; the rest cannot be told."
    else:
        head = "Whether the paper's order holds cannot be told."
    least = min(pair["seeds"] for pair in order["pairs"])
    if least == 1:
        counts += "; a single seed is no proof"
    return f"{head} {counts} (95 %, Holm's correction for those measured)."
