"""AWGram of maps that a 1x1 convolution makes narrow."""

import keras
import numpy as np
import pytest

from keras_artkd.layers import AWGram


@pytest.mark.parametrize("mode", ["channel", "spatial"])
def test_wide_maps_are_projected_first(mode):
    random = np.random.default_rng(0)
    wide = random.normal(size=(2, 4, 4, 24)).astype("float32")
    narrow = random.normal(size=(2, 4, 4, 5)).astype("float32")
    layer = AWGram("pearson", mode, channels=5)
    plain = AWGram("pearson", mode)
    projected = layer([wide, narrow])
    assert layer.compute_output_shape([wide.shape, narrow.shape]) == (
        projected.shape
    )
    # What has few channels already stays as it is.
    first, second = layer.projections
    assert second is None and layer.count_params() == 24 * 5
    kernel = np.asarray(first.kernel)[0, 0]
    np.testing.assert_allclose(kernel.T @ kernel, np.eye(5), atol=1e-6)
    np.testing.assert_allclose(
        projected, plain([wide @ kernel, narrow]), atol=1e-5
    )


def test_a_projection_is_saved_and_trained(tmp_path):
    layer = AWGram(channels=4)
    network = keras.Sequential([keras.Input((4, 4, 9)), layer])
    wide = np.random.default_rng(1).normal(size=(8, 4, 4, 9)).astype("float32")
    before = network.predict(wide, verbose=0)
    assert before.shape == (8, 10)
    network.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded.predict(wide, verbose=0), before)
    network.compile("sgd", "mse")
    network.fit(wide, np.ones((8, 10), "float32"), verbose=0)
    assert np.abs(network.predict(wide, verbose=0) - before).max() > 1e-4
