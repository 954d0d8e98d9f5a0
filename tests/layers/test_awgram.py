import warnings

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_artkd import models
from keras_artkd.catalogue.correlations import CORRELATIONS as NAMES
from keras_artkd.layers import AWGram
from keras_artkd.layers.awgram import _warn_of_size
from keras_artkd.layers.correlation import (
    WEIGHTS,
    EqualPlaces,
    correlation_weights,
)
from tests.contract import check_config, finite_difference_check

# Three channels at four positions: methods' worked example.
EXAMPLE = np.array([[1, 2, 0, 1], [0, 1, 1, 0], [2, 0, 1, 3]], "float64")


def as_map(rows):
    """(channels, positions) as a feature map (1, 2, positions / 2, c)."""
    channels, positions = rows.shape
    return rows.T.reshape(1, 2, positions // 2, channels).astype("float32")


def reference_weight(x, y, correlation):
    """One raw weight from the printed equations, float64."""
    n = len(x)
    if correlation == "cosine":  # eq 3.8
        return x @ y / (np.linalg.norm(x) * np.linalg.norm(y))
    if correlation == "pearson":  # eq 3.3 with the square root it lacks
        top = n * (x @ y) - x.sum() * y.sum()
        bottom = (n * (x @ x) - x.sum() ** 2) * (n * (y @ y) - y.sum() ** 2)
        return top / np.sqrt(bottom)
    if correlation == "spearman":  # eq 3.4, ordinal ranks

        def ranks(v):
            return np.argsort(np.argsort(v, kind="stable"), kind="stable")

        return 1 - 6 * ((ranks(x) - ranks(y)) ** 2).sum() / (n * (n**2 - 1))
    if correlation == "covariance":  # eq 3.5
        return ((x - x.mean()) * (y - y.mean())).mean()
    if correlation == "chebyshev":  # eq 3.6
        return np.abs(x - y).max()
    return np.sqrt(((x - y) ** 2).sum())  # eq 3.7


def reference_weights(first, second, correlation):
    """The weight matrix in [0, 1]."""
    if correlation == "none":
        return np.ones((len(first), len(second)))
    raw = np.array(
        [[reference_weight(x, y, correlation) for y in second] for x in first]
    )
    if correlation in ("cosine", "pearson", "spearman"):
        return (raw + 1) / 2
    if correlation == "covariance":
        return (raw - raw.min()) / (raw.max() - raw.min())
    return 1 - raw / raw.max()


def reference(first, second, correlation):
    """AWGram of two (channels, positions) matrices, as a full matrix."""
    weighted = reference_weights(first, second, correlation) * (
        first @ second.T
    )
    return weighted / np.linalg.norm(weighted)


def triangle(matrix):
    rows, columns = np.triu_indices(len(matrix))
    return matrix[rows, columns] * np.where(rows == columns, 1, np.sqrt(2))


def test_every_name_has_its_equation():
    assert tuple(WEIGHTS) == NAMES


@pytest.mark.parametrize("correlation", NAMES)
@pytest.mark.parametrize("shape", [(4, 4, 5), (3, 5, 17), (8, 8, 9)])
def test_equals_the_equations(correlation, shape):
    x = np.random.default_rng(1).uniform(0, 2, (3, *shape))
    result = AWGram(correlation)(x.astype("float32"))
    rows = x.reshape(3, -1, shape[-1]).transpose(0, 2, 1)
    expected = [triangle(reference(m, m, correlation)) for m in rows]
    np.testing.assert_allclose(result, expected, atol=2e-6)


@pytest.mark.parametrize(
    ("correlation", "off_diagonals"),
    [
        # Weighted, unnormalised: G is [[6,2,5],[2,2,1],[5,1,14]].
        ("cosine", (1.577350, 3.863862, 0.594491)),
        ("none", (2, 5, 1)),
        # (r + 1) / 2 times G, r = 0, -.316228, -.894427.
        ("pearson", (1.0, 5 * 0.341886, 0.0527865)),
        ("spearman", (2 * 0.4, 5 * 0.4, 0.2)),
        # Covariances 0, -.25, -.5 and diagonal .5, .25, 1.25: over [-.5, 1.25].
        ("covariance", (2 * 0.5 / 1.75, 5 * 0.25 / 1.75, 0)),
        ("chebyshev", (2 * 0.666667, 5 * 0.333333, 0)),
        ("euclidean", (2 * 0.465478, 5 * 0.154846, 0)),
    ],
)
def test_worked_example(correlation, off_diagonals):
    result = np.array(AWGram(correlation)(as_map(EXAMPLE)))[0]
    # Entry (3, 3) has weight one in all of them: it is G's own 14.
    scale = 14 / result[5]
    np.testing.assert_allclose(
        result[[1, 2, 4]] * scale / np.sqrt(2), off_diagonals, atol=1e-5
    )


@pytest.mark.parametrize("correlation", NAMES)
def test_between_two_layers_pools_to_the_smaller(correlation):
    random = np.random.default_rng(2)
    first = random.uniform(0, 1, (2, 4, 4, 3))
    second = random.uniform(0, 1, (2, 2, 2, 5))
    result = AWGram(correlation)(
        [first.astype("float32"), second.astype("float32")]
    )
    pooled = first.reshape(2, 2, 2, 2, 2, 3).mean((2, 4))
    expected = [
        reference(a.reshape(4, 3).T, b.reshape(4, 5).T, correlation).ravel()
        for a, b in zip(pooled, second, strict=True)
    ]
    assert result.shape == (2, 15)
    np.testing.assert_allclose(result, expected, atol=1e-5)


@pytest.mark.parametrize("correlation", NAMES)
def test_spatial_mode_is_the_printed_equation(correlation):
    random = np.random.default_rng(3)
    first, second = random.uniform(0, 1, (2, 2, 3, 3, 6))
    layer = AWGram(correlation, mode="spatial")
    result = layer([first.astype("float32"), second.astype("float32")])
    assert result.shape == layer.compute_output_shape(
        [first.shape, second.shape]
    )
    for a, b, row in zip(first, second, result, strict=True):
        a, b = a.reshape(9, 6), b.reshape(9, 6)
        weight = np.ones(9)
        if correlation != "none":
            raw = np.array(
                [
                    reference_weight(x, y, correlation)
                    for x, y in zip(a, b, strict=True)
                ]
            )
            if correlation == "covariance":
                weight = (raw - raw.min()) / (raw.max() - raw.min())
            elif correlation in ("chebyshev", "euclidean"):
                weight = 1 - raw / raw.max()
            else:
                weight = (raw + 1) / 2
        expected = weight * (a * b).sum(1)
        np.testing.assert_allclose(
            row, expected / np.linalg.norm(expected), atol=1e-5
        )


def test_unit_weights_give_the_gram_matrix():
    """As `none` by definition, and as equal channels in every correlation."""
    x = np.random.default_rng(4).uniform(0, 1, (2, 4, 4, 6)).astype("float32")
    rows = x.reshape(2, 16, 6).transpose(0, 2, 1)
    gram = rows @ rows.transpose(0, 2, 1)
    expected = gram / np.linalg.norm(gram, axis=(1, 2), keepdims=True)
    np.testing.assert_allclose(
        AWGram("none")(x), [triangle(g) for g in expected], atol=1e-6
    )
    same = np.repeat(x[..., :1], 5, axis=-1)
    for correlation in NAMES:
        # Equal channels: all weights one.
        np.testing.assert_allclose(
            AWGram(correlation)(same), AWGram("none")(same), atol=1e-6
        )


@pytest.mark.parametrize("correlation", sorted(set(NAMES) - {"chebyshev"}))
def test_rounding_is_no_correlation(correlation):
    """Channels that float32's last digits tell apart count as equal."""
    rng = np.random.default_rng(7)
    x = np.repeat(rng.uniform(0, 1, (2, 8, 8, 1)), 5, axis=-1)
    x *= 1 + np.finfo("float32").eps * rng.uniform(-1, 1, x.shape)
    x = x.astype("float32")
    # A rank is a place among equals, which the last digits change.
    atol = 1e-2 if correlation == "spearman" else 1e-6
    np.testing.assert_allclose(
        AWGram(correlation)(x), AWGram("none")(x), atol=atol
    )


@pytest.mark.parametrize("correlation", NAMES)
@pytest.mark.parametrize("factor", [1e-3, 7.0, 1e4])
def test_unchanged_by_the_scale_of_its_input(correlation, factor):
    x = np.random.default_rng(5).uniform(0, 1, (2, 4, 4, 6)).astype("float32")
    layer = AWGram(correlation)
    np.testing.assert_allclose(
        layer(x), layer((factor * x).astype("float32")), atol=2e-6
    )


@pytest.mark.parametrize("correlation", NAMES)
def test_unit_norm_times_feature_scale(correlation):
    x = np.random.default_rng(6).uniform(0, 1, (3, 4, 4, 6)).astype("float32")
    norm = np.linalg.norm(AWGram(correlation, feature_scale=8.0)(x), axis=1)
    np.testing.assert_allclose(norm, 8.0, rtol=1e-5)


@pytest.mark.parametrize("correlation", NAMES)
@pytest.mark.parametrize("mode", ["channel", "spatial"])
@pytest.mark.parametrize(
    "x",
    [
        # Each example by itself: zero, constant, of constant channels, large.
        np.stack(
            [
                np.zeros((4, 4, 5)),
                np.full((4, 4, 5), 0.1),
                np.ones((4, 4, 1)) * np.arange(1.0, 6),
                np.random.default_rng(7).uniform(0, 1e4, (4, 4, 5)),
            ]
        ),
        np.random.default_rng(7).uniform(0, 1, (2, 1, 1, 5)),
        np.random.default_rng(7).uniform(0, 1, (2, 4, 4, 1)),
    ],
    ids=["several", "pixel", "channel"],
)
def test_degenerate_maps_stay_finite(correlation, mode, x):
    x = tf.Variable(x.astype("float32"))
    layer = AWGram(correlation, mode=mode)
    with tf.GradientTape() as tape:
        result = layer(x)
        total = tf.reduce_sum(result * tf.range(1.0, 1.0 + result.shape[1]))
    gradient = tape.gradient(total, x)
    for values, slopes in zip(result, gradient, strict=True):
        assert np.isfinite(values).all()
        assert np.isfinite(slopes).all()


@pytest.mark.parametrize("correlation", NAMES)
def test_gradient_agrees_with_finite_differences(correlation):
    x = np.random.default_rng(8).uniform(0.5, 2, (2, 3, 3, 4))
    layer = AWGram(correlation, feature_scale=3.0)
    target = np.random.default_rng(9).uniform(-1, 1, (2, 10)).astype("float32")

    def function(x):
        if correlation == "spearman":
            # Its weights are constants: hold them, so that differences are
            # taken at the same ranks.
            gram = tf.linalg.matmul(
                tf.reshape(x, (2, 9, 4)), tf.reshape(x, (2, 9, 4)), True
            )
            weighted = weights * gram
            rows, columns = np.triu_indices(4)
            flat = tf.gather(
                tf.reshape(weighted, (2, 16)), rows * 4 + columns, axis=1
            ) * np.where(rows == columns, 1, np.sqrt(2)).astype("float32")
            flat /= tf.norm(flat, axis=1, keepdims=True)
            return tf.reduce_sum(3 * flat * target)
        return tf.reduce_sum(layer(x) * target)

    rows = tf.transpose(
        tf.reshape(tf.constant(x, "float32"), (2, 9, 4)), (0, 2, 1)
    )
    weights = correlation_weights(rows, rows, correlation)
    # A maximum has kinks: a short step stays on one side of them.
    step = 5e-4 if correlation == "chebyshev" else 2e-3
    slope = finite_difference_check(function, x, step=step)
    if correlation == "spearman":
        variable = tf.Variable(x.astype("float32"))
        with tf.GradientTape() as tape:
            total = tf.reduce_sum(layer(variable) * target)
        gradient = tape.gradient(total, variable)
        direction = np.random.default_rng(0).standard_normal(x.shape)
        direction /= np.linalg.norm(direction)
        np.testing.assert_allclose(
            np.sum(gradient * direction), slope, rtol=1e-4
        )


def test_stop_gradient_weights():
    x = np.random.default_rng(10).uniform(0, 1, (1, 3, 3, 4)).astype("float32")
    gradients = []
    for stop in (False, True):
        variable = tf.Variable(x)
        with tf.GradientTape() as tape:
            result = AWGram("euclidean", stop_gradient_weights=stop)(variable)
            total = tf.reduce_sum(result * tf.range(10.0))
        gradients.append(tape.gradient(total, variable))
    assert np.abs(gradients[0] - gradients[1]).max() > 1e-3


def test_computes_in_float32_under_mixed_precision():
    x = np.random.default_rng(11).uniform(0, 200, (2, 8, 8, 6))
    layer = AWGram(dtype="mixed_float16")
    result = layer(x.astype("float16"))
    assert result.dtype == "float16"
    np.testing.assert_allclose(result, AWGram()(x.astype("float32")), atol=2e-3)


def test_config():
    changed = {
        "correlation": "pearson",
        "mode": "spatial",
        "feature_scale": 8.0,
        "stop_gradient_weights": True,
        "channels": 7,
    }
    check_config(AWGram(**changed), **changed)


def test_saves_with_a_model(tmp_path):
    inputs = keras.Input((4, 4, 3))
    outputs = keras.layers.Dense(2)(AWGram("covariance")(inputs))
    model = keras.Model(inputs, outputs)
    model.save(tmp_path / "m.keras")
    x = np.random.default_rng(0).uniform(size=(2, 4, 4, 3))
    restored = keras.models.load_model(tmp_path / "m.keras")
    np.testing.assert_array_equal(model(x), restored(x))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"correlation": "kendall"}, "cosine, pearson.*kendall"),
        ({"mode": "both"}, "channel, spatial.*both"),
        ({"feature_scale": 0}, "positive.*feature_scale=0"),
        ({"channels": 0}, "positive.*channels=0"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        AWGram(**arguments)


def test_bad_shapes():
    with pytest.raises(ValueError, match="static size"):
        AWGram()(keras.Input((None, None, 3)))
    with pytest.raises(ValueError, match="static size"):
        AWGram()(keras.Input((10,)))
    with pytest.raises(ValueError, match="equal channels"):
        AWGram(mode="spatial")([keras.Input((4, 4, 3)), keras.Input((4, 4, 2))])


def test_spearman_breaks_ties_by_position():
    x = np.array([[[0.0, 0, 1, 1]], [[0, 1, 0, 1]]], "float32")
    rows = np.concatenate([x[0], x[1]])[None]
    weights = correlation_weights(rows, rows, "spearman")
    expected = reference_weights(*[rows[0].astype("float64")] * 2, "spearman")
    np.testing.assert_allclose(weights[0], expected, atol=1e-6)
    places = correlation_weights(rows, rows, "spearman", EqualPlaces)
    np.testing.assert_allclose(places, 1.0, atol=1e-6)


def sizes_told(shape, **options):
    """What a layer warns of, built for a shape."""
    _warn_of_size.cache_clear()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for _ in range(2):
            AWGram(**options).build(shape)
    return [str(warning.message) for warning in caught]


def test_more_than_512_channels_are_told_once():
    (told,) = sizes_told((None, 7, 7, 1280))
    # 1280 * 1281 / 2, four bytes each.
    assert "819,840 numbers of 1280 channels" in told
    assert "819,840 parameters a class, 3.3 MB" in told
    assert "--head-channels" in told
    assert len(sizes_told((None, 4, 4, 513))) == 1
    pair = [(None, 4, 4, 600), (None, 2, 2, 600)]
    (told,) = sizes_told(pair)
    assert "360,000 numbers of 600 and 600 channels" in told
    assert not sizes_told((None, 4, 4, 512))
    assert not sizes_told((None, 4, 4, 1280), mode="spatial")


def test_a_large_head_has_the_parameters_that_were_told():
    _warn_of_size.cache_clear()
    with pytest.warns(UserWarning, match="819,840 parameters a class"):
        large = models.build("mobilenet_v2_x1_0", 5, (32, 32, 3), head="awgram")
    assert large.get_layer("logits").count_params() == 5 * (819_840 + 1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        # It reduces the channels first.
        models.build("efficientnet_lite0_first4", 5, (32, 32, 3), head="awgram")
