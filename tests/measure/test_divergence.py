"""Which losses show that a training went astray."""

import math

import pytest

from keras_artkd.measure.divergence import why_diverged


@pytest.mark.parametrize(
    ("logs", "reason"),
    [
        ({"loss": math.nan}, "loss = nan"),
        ({"loss": math.inf, "supervised": 1.0}, "loss = inf"),
        ({"loss": 6.6e17, "supervised": 6.6e17}, "supervised = 6.6e+17"),
        ({"loss": 2e9}, "loss = 2e+09"),
        ({"loss": -2e9}, "loss = -2e+09"),
        # Surely wrong, and a transfer loss of a large weight.
        ({"loss": 4e4, "supervised": 80.0}, None),
        ({"loss": 1.2}, None),
    ],
)
def test_reasons(logs, reason):
    assert why_diverged(logs) == reason
