import numpy as np
import pytest

from keras_artkd.layers.pooling import pool_to, pool_to_smaller


@pytest.mark.parametrize("grid", [(4, 4), (2, 4), (1, 1), (3, 5), (7, 8)])
def test_equals_adaptive_windows(grid):
    x = np.random.default_rng(0).uniform(size=(2, 8, 8, 3)).astype("float32")
    result = np.array(pool_to(x, *grid))
    for i in range(grid[0]):
        for j in range(grid[1]):
            top, bottom = i * 8 // grid[0], -(-(i + 1) * 8 // grid[0])
            left, right = j * 8 // grid[1], -(-(j + 1) * 8 // grid[1])
            expected = x[:, top:bottom, left:right].mean((1, 2))
            np.testing.assert_allclose(result[:, i, j], expected, rtol=1e-5)


def test_both_are_brought_to_the_smaller():
    first = np.zeros((1, 8, 4, 3), "float32")
    second = np.zeros((1, 4, 8, 2), "float32")
    first, second = pool_to_smaller(first, second)
    assert first.shape == (1, 4, 4, 3)
    assert second.shape == (1, 4, 4, 2)
