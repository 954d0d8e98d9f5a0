"""Losses between the exits of one network."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_artkd import losses
from keras_artkd.distillers import Distiller
from keras_artkd.models import with_exits
from tests.contract import check_config, finite_difference_check
from tests.losses.networks import make_batch, make_network
from tests.losses.reference import (
    reference_cross_entropy,
    reference_divergence,
    softmax,
)

# Three exits of one example.
LOGITS = np.array([[[1, 0, 0]], [[2, 0, -1]], [[3, 0, -1]]], "float32")
FEATURES = np.array([[[1, 0]], [[1, 1]], [[2, 1]]], "float32")

random = np.random.default_rng(0)
LABELS = np.array([0, 3, 1, 1, 2])
MIXED = 0.7 * np.eye(4)[LABELS] + 0.3 * np.eye(4)[LABELS[::-1]]
EXIT_LOGITS = random.normal(0, 2, (4, 5, 4))
EXIT_FEATURES = random.normal(0, 1, (4, 5, 6))
PROJECTIONS = random.normal(0, 2, (4, 5, 6))


def reference_byot(labels, z, f, alpha, weight, temperature, decay):
    total = 0.0
    for i in range(len(z)):
        d = [factor ** (len(z) - 1 - i) for factor in decay]
        total = (
            total
            + (1 - alpha) * d[0] * reference_cross_entropy(labels, z[i])
            + alpha * d[1] * reference_divergence(z[-1], z[i], temperature)
            + weight * d[2] * ((f[i] - f[-1]) ** 2).sum(-1)
        )
    return total


def reference_attention(query, keys, temperature):
    query, keys = softmax(query / temperature), softmax(keys / temperature)
    return softmax((query * keys).sum(-1).T)


def reference_skdsam(labels, z, f, a, weight, feature_weight, temperature):
    f = f / np.linalg.norm(f, axis=-1, keepdims=True)
    total = reference_cross_entropy(labels, z[-1])
    for i in range(len(z) - 1):
        total = total + weight * a[:, i] * (
            temperature**2 * reference_divergence(z[-1], z[i], temperature)
            + feature_weight * np.abs(f[i] - f[-1]).mean(-1)
        )
    return total


def test_vectors():
    y = np.array([0])
    result = losses.byot(y, list(LOGITS), list(FEATURES), temperature=1.0)
    assert float(result[0]) == pytest.approx(0.755350, abs=1e-6)
    decay = (0.6, 1.1, 1.0)
    result = losses.byot(y, LOGITS, FEATURES, temperature=1.0, decay=decay)
    assert float(result[0]) == pytest.approx(0.483429, abs=1e-6)
    result = losses.skdsam(y, LOGITS, FEATURES, [[0.6, 0.4]])
    assert float(result[0]) == pytest.approx(39.165371, abs=1e-4)


@pytest.mark.parametrize("labels", [LABELS, MIXED], ids=["integers", "mixed"])
@pytest.mark.parametrize("decay", [(1.0, 1.0, 1.0), (0.6, 1.1, 0.5)])
def test_byot(labels, decay):
    result = losses.byot(
        labels, EXIT_LOGITS, EXIT_FEATURES, 0.4, 0.2, 2.0, decay
    )
    assert result.shape == (5,)
    np.testing.assert_allclose(
        result,
        reference_byot(
            labels, EXIT_LOGITS, EXIT_FEATURES, 0.4, 0.2, 2.0, decay
        ),
        rtol=1e-5,
    )


def test_byot_of_equal_exits_is_their_cross_entropy():
    z, f = [EXIT_LOGITS[0]] * 4, [EXIT_FEATURES[0]] * 4
    expected = 4 * 0.7 * reference_cross_entropy(LABELS, z[0])
    np.testing.assert_allclose(losses.byot(LABELS, z, f), expected, rtol=1e-5)


@pytest.mark.parametrize("labels", [LABELS, MIXED], ids=["integers", "mixed"])
def test_skdsam(labels):
    a = softmax(random.normal(size=(5, 3)))
    result = losses.skdsam(labels, EXIT_LOGITS, EXIT_FEATURES, a, 0.5, 7.0, 2.0)
    assert result.shape == (5,)
    np.testing.assert_allclose(
        result,
        reference_skdsam(labels, EXIT_LOGITS, EXIT_FEATURES, a, 0.5, 7.0, 2.0),
        rtol=1e-5,
    )


def attention(similarity="paper", temperature=4.0, scale=1.0):
    *keys, query = scale * PROJECTIONS
    return np.array(losses.exit_attention(query, keys, temperature, similarity))


@pytest.mark.parametrize("temperature", [0.5, 4.0])
def test_exit_attention(temperature):
    np.testing.assert_allclose(
        attention(temperature=temperature),
        reference_attention(PROJECTIONS[-1], PROJECTIONS[:-1], temperature),
        rtol=1e-5,
    )


def test_cosine_attention():
    directions = PROJECTIONS / np.linalg.norm(
        PROJECTIONS, axis=-1, keepdims=True
    )
    cosines = (directions[:-1] * directions[-1]).sum(-1).T
    np.testing.assert_allclose(attention("cosine"), softmax(cosines), rtol=1e-5)
    np.testing.assert_allclose(
        attention("cosine", scale=100.0), softmax(cosines), rtol=1e-5
    )


@pytest.mark.parametrize("similarity", ["paper", "cosine"])
def test_attention_adds_up_to_one(similarity):
    np.testing.assert_allclose(
        attention(similarity).sum(-1), np.ones(5), rtol=1e-6
    )
    keys = [PROJECTIONS[0]] * 3
    uniform = losses.exit_attention(PROJECTIONS[1], keys, similarity=similarity)
    np.testing.assert_allclose(uniform, np.full((5, 3), 1 / 3), rtol=1e-6)


def test_the_papers_attention_is_bounded():
    """Dot products of distributions lie in [0, 1].

    Of three exits the largest weight is e / (e + 2) = 0.576117, of one that
    agrees with the query where the others do not; the smallest is
    1 / (1 + 2 e) = 0.155362. Half precision has room for neither logit's
    exponential.
    """
    one, other = (
        np.array([[6e4, 0]], "float16"),
        np.array([[0, 6e4]], "float16"),
    )
    high = losses.exit_attention(one, [other, one, other])
    np.testing.assert_allclose(
        high, [[0.211942, 0.576117, 0.211942]], atol=1e-6
    )
    low = losses.exit_attention(one, [one, other, one])
    np.testing.assert_allclose(low, [[0.422319, 0.155362, 0.422319]], atol=1e-6)


def test_the_papers_attention_is_uniform_for_many_channels():
    """Of sigmoids of 512 channels, as the thesis has it, to six digits."""
    *keys, query = random.uniform(0.5, 1.0, (4, 8, 512))
    weights = losses.exit_attention(query, keys)
    np.testing.assert_allclose(weights, np.full((8, 3), 1 / 3), atol=1e-6)


@pytest.mark.parametrize("scale", [1.0, 1e3])
def test_half_precision_and_huge_gaps(scale):
    z = (scale * EXIT_LOGITS).astype("float16")
    f = (scale * EXIT_FEATURES).astype("float16")
    a = attention()
    for result in (
        losses.byot(LABELS, z, f),
        losses.skdsam(LABELS, z, f, a.astype("float16")),
    ):
        assert result.dtype == "float32"
        assert np.isfinite(result).all()
    if scale == 1.0:
        defaults = (0.3, 0.03, 3.0, (1.0, 1.0, 1.0))
        expected = reference_byot(LABELS, EXIT_LOGITS, EXIT_FEATURES, *defaults)
        np.testing.assert_allclose(
            losses.byot(LABELS, z, f), expected, rtol=5e-3
        )


def test_divergence_is_exact_where_probabilities_vanish():
    z = [np.array([[0.0, 60.0]]), np.array([[60.0, 0.0]])]
    f = np.zeros((2, 1, 3))
    result = losses.byot([0], z, f, alpha=1.0, temperature=1.0)
    assert float(result[0]) == pytest.approx(60.0)
    result = losses.skdsam([0], z, f, [[1.0]], weight=1.0, temperature=1.0)
    assert float(result[0]) == pytest.approx(60.0)


def total(name, z, f):
    """Summed over the batch, with attention that the tensors do not move."""
    if name == "byot":
        return tf.reduce_sum(losses.byot(LABELS, z, f))
    return tf.reduce_sum(losses.skdsam(LABELS, z, f, attention()))


@pytest.mark.parametrize("name", ["byot", "skdsam"])
def test_gradients_of_shallow_exits(name):
    z, f = EXIT_LOGITS.astype("float32"), EXIT_FEATURES.astype("float32")
    finite_difference_check(
        lambda x: total(name, [x[0], x[1], x[2], z[3]], f), z[:3], step=1e-2
    )
    finite_difference_check(
        lambda x: total(name, z, [x[0], x[1], x[2], f[3]]), f[:3], step=1e-2
    )


@pytest.mark.parametrize("similarity", ["paper", "cosine"])
def test_gradients_of_attention(similarity):
    cost = random.normal(size=(5, 3)).astype("float32")

    def weighted(x):
        weights = losses.exit_attention(
            x[3], [x[0], x[1], x[2]], 1.0, similarity
        )
        return tf.reduce_sum(weights * cost)

    assert abs(finite_difference_check(weighted, PROJECTIONS, step=1e-2)) > 1e-3


@pytest.mark.parametrize(("name", "weight"), [("byot", 0.7), ("skdsam", 1.0)])
def test_the_deepest_exit_learns_from_labels_alone(name, weight):
    z = [tf.Variable(x) for x in EXIT_LOGITS.astype("float32")]
    f = [tf.Variable(x) for x in EXIT_FEATURES.astype("float32")]
    with tf.GradientTape() as tape:
        value = total(name, z, f)
    of_logits, of_features = tape.gradient(value, (z, f))
    assert of_features[-1] is None
    expected = weight * (softmax(EXIT_LOGITS[-1]) - np.eye(4)[LABELS])
    np.testing.assert_allclose(of_logits[-1], expected, rtol=1e-4, atol=1e-6)
    for gradient in (*of_logits[:-1], *of_features[:-1]):
        assert np.abs(gradient).max() > 1e-3


def test_equal_features_have_a_finite_gradient():
    for f in (np.ones((2, 1, 3)), np.zeros((2, 1, 3))):
        x = tf.Variable(f[0].astype("float32"))
        with tf.GradientTape() as tape:
            value = losses.skdsam([0], LOGITS[1:], [x, f[1]], [[1.0]])
        assert np.isfinite(tape.gradient(value, x)).all()


@pytest.mark.parametrize("function", [losses.byot, losses.skdsam])
@pytest.mark.parametrize(("logits", "features"), [(3, 4), (1, 1)])
def test_exits_must_be_complete(function, logits, features):
    more = [attention()] if function is losses.skdsam else []
    with pytest.raises(ValueError, match=f"two at least.*{logits} and"):
        function(LABELS, EXIT_LOGITS[:logits], EXIT_FEATURES[:features], *more)


def test_bad_arguments():
    z, f = EXIT_LOGITS, EXIT_FEATURES
    with pytest.raises(ValueError, match=r"\(batch, 3\).*\(5, 4\)"):
        losses.skdsam(LABELS, z, f, np.ones((5, 4)))
    with pytest.raises(ValueError, match="three factors.*Received.*0.5"):
        losses.byot(LABELS, z, f, decay=(0.5, 1.0))
    with pytest.raises(ValueError, match="at least 0"):
        losses.Byot(decay=(1.0, 1.0, -0.5))
    with pytest.raises(ValueError, match="must be positive"):
        losses.byot(LABELS, z, f, temperature=0.0)
    with pytest.raises(ValueError, match="must be positive"):
        losses.exit_attention(f[0], f[1:], temperature=0.0)
    with pytest.raises(ValueError, match="must be positive"):
        losses.Skdsam(attention_temperature=-1.0)
    with pytest.raises(ValueError, match="paper, cosine.*'dot'"):
        losses.exit_attention(f[0], f[1:], similarity="dot")
    with pytest.raises(ValueError, match="paper, cosine, sum, mean.*'none'"):
        losses.Skdsam(attention="none")
    with pytest.raises(ValueError, match="`keys`.*one at least"):
        losses.exit_attention(f[0], [])


LAYERS = [
    (
        losses.Byot,
        {
            "alpha": 0.5,
            "feature_weight": 0.1,
            "temperature": 2.0,
            "decay": (0.6, 1.1, 0.9),
        },
    ),
    (
        losses.Skdsam,
        {
            "feature_weight": 10.0,
            "temperature": 2.0,
            "attention_temperature": 3.0,
            "attention": "cosine",
        },
    ),
]


@pytest.mark.parametrize(("cls", "arguments"), LAYERS)
def test_config(cls, arguments):
    assert cls().name == cls.__name__.lower()
    assert cls().teacher == "student"
    common = {"teacher": "other", "detach_teacher": False, "name": "other"}
    changed = {**arguments, **common}
    check_config(cls(**changed), **changed)


def make_distiller(loss, kind, weight=1.0, supervised_weight=1.0):
    distiller = Distiller(
        with_exits(make_network(), kind),
        transfer_losses=[loss],
        transfer_weights=[weight],
        supervised_weight=supervised_weight,
    )
    distiller.compile(keras.optimizers.SGD(0.01), jit_compile=False)
    return distiller


def read(distiller):
    """Labels, all endpoints, and lists of the exits' tensors by kind."""
    images, labels = make_batch(8)
    endpoints = distiller(images, training=True)
    exits = {
        kind: [
            endpoints["student"][f"exit{i}_{kind}"]
            for i in (1, 2, 3)
            if f"exit{i}_{kind}" in endpoints["student"]
        ]
        for kind in ("logits", "features", "projection")
    }
    return labels, endpoints, exits


@pytest.mark.parametrize(
    ("kind", "decay"), [("byot", (1.0,) * 3), ("pd_byot", (0.6, 1.1, 1.0))]
)
def test_distiller_minimises_byot(kind, decay):
    loss = losses.Byot(decay=decay)
    distiller = make_distiller(loss, kind, supervised_weight=1 - loss.alpha)
    labels, endpoints, exits = read(distiller)
    values = losses.byot(
        labels, exits["logits"], exits["features"], decay=decay
    )
    _, objective = distiller.compute_terms(labels, endpoints)
    assert float(objective) == pytest.approx(np.mean(values), rel=1e-5)


@pytest.mark.parametrize("similarity", ["paper", "cosine", "sum", "mean"])
def test_distiller_minimises_skdsam(similarity):
    loss = losses.Skdsam(attention=similarity)
    attentive = similarity in ("paper", "cosine")
    distiller = make_distiller(
        loss, kind="skdsam" if attentive else "byot", weight=1.5
    )
    labels, endpoints, exits = read(distiller)
    weights = {"sum": [[1.0, 1.0]], "mean": [[0.5, 0.5]]}.get(similarity)
    if attentive:
        *keys, query = exits["projection"]
        weights = losses.exit_attention(query, keys, similarity=similarity)
    values = losses.skdsam(labels, exits["logits"], exits["features"], weights)
    terms, objective = distiller.compute_terms(labels, endpoints)
    assert float(objective) == pytest.approx(np.mean(values), rel=1e-5)
    assert loss(labels, {}, endpoints["student"]).shape == (8,)
    assert terms["skdsam"].shape == ()


def test_spread_of_attention_is_logged():
    distiller = make_distiller(losses.Skdsam(attention="cosine"), "skdsam")
    images, labels = make_batch(8)
    *keys, query = read(distiller)[2]["projection"]
    weights = np.array(losses.exit_attention(query, keys, similarity="cosine"))
    logs = distiller.train_on_batch(images, labels, return_dict=True)
    assert logs["skdsam_spread"] == pytest.approx(
        np.abs(weights - 0.5).max(-1).mean(), rel=1e-3
    )
    assert logs["skdsam_spread"] > 1e-6
    without = make_distiller(losses.Skdsam(attention="sum"), "byot")
    assert "skdsam_spread" not in [metric.name for metric in without.metrics]


@pytest.mark.parametrize(
    ("loss", "kind"), [(losses.Byot(), "pd_byot"), (losses.Skdsam(), "skdsam")]
)
def test_transfer_terms_train_all_but_the_deepest_exit(loss, kind):
    distiller = make_distiller(loss, kind, supervised_weight=0.0)
    images, labels = make_batch(8)
    with tf.GradientTape() as tape:
        endpoints = distiller(images, training=True)
        _, objective = distiller.compute_terms(labels, endpoints)
    student = distiller.student
    variables = student.trainable_variables
    gradients = tape.gradient(objective, [v.value for v in variables])
    reached = {
        v.path
        for v, gradient in zip(variables, gradients, strict=True)
        if gradient is not None and np.abs(gradient).max() > 0
    }
    assert {"conv1/kernel", "conv2/kernel"} <= reached
    assert {"exit1_logits/kernel", "exit2_logits/kernel"} <= reached
    classifier = student.layers[-1]
    assert not reached & {v.path for v in classifier.trainable_variables}
    # Attention is no teacher's answer: the deepest projection is trained.
    projected = any(path.startswith("exit3_projection") for path in reached)
    assert projected == ("conv3/kernel" in reached) == (kind == "skdsam")
