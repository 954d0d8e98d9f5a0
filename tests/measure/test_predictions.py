import numpy as np
import pytest

from keras_artkd.measure.predictions import mean_predictions

PROBABILITIES = np.array(
    [[0.5, 0.3, 0.2], [0.1, 0.8, 0.1], [0.2, 0.7, 0.1], [0.6, 0.2, 0.2]]
)


def test_by_hand():
    """Images 0, 1 and 3 are of the first class, none of the last."""
    matrix, means = mean_predictions([0, 0, 1, 0], np.log(PROBABILITIES))
    np.testing.assert_allclose(matrix[0], [0.4, 1.3 / 3, 0.5 / 3])
    np.testing.assert_allclose(matrix[1], [0.2, 0.7, 0.1])
    assert np.isnan(matrix[2]).all()
    np.testing.assert_allclose(means, [0.35, 0.5, 0.15])


def test_temperature_divides_the_logits():
    logits = 4 * np.log(PROBABILITIES)
    for sharp, soft in zip(
        mean_predictions([0, 0, 1, 2], np.log(PROBABILITIES)),
        mean_predictions([0, 0, 1, 2], logits, temperature=4.0),
        strict=True,
    ):
        np.testing.assert_allclose(sharp, soft)
    with pytest.raises(ValueError, match="Received: temperature=0"):
        mean_predictions([0], [[1.0, 2.0]], temperature=0)
