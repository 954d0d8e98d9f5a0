"""Self-distillation with attention over the exits (SKDSAM)."""

import keras
import numpy as np
import pytest

from keras_artkd import losses
from tests.losses.contract import (
    check_definition,
    check_gradient,
    check_loss_layer,
    gradients,
)
from tests.losses.exits import (
    EXIT_FEATURES,
    EXIT_LOGITS,
    FEATURES,
    LABELS,
    LOGITS,
    MIXED,
    PROJECTIONS,
    make_exits_distiller,
    read_batch,
    trained_variables,
)
from tests.losses.networks import make_batch
from tests.losses.reference import (
    reference_cross_entropy,
    reference_divergence,
    softmax,
)

random = np.random.default_rng(1)


def reference_attention(query, keys, temperature):
    query, keys = softmax(query / temperature), softmax(keys / temperature)
    return softmax((query * keys).sum(-1).T)


def reference(labels, z, f, a, weight, feature_weight, temperature):
    f = f / np.linalg.norm(f, axis=-1, keepdims=True)
    total = reference_cross_entropy(labels, z[-1])
    for i in range(len(z) - 1):
        total = total + weight * a[:, i] * (
            temperature**2 * reference_divergence(z[-1], z[i], temperature)
            + feature_weight * np.abs(f[i] - f[-1]).mean(-1)
        )
    return total


def attention(similarity="paper", temperature=4.0, scale=1.0):
    *keys, query = scale * PROJECTIONS
    return np.array(losses.exit_attention(query, keys, temperature, similarity))


def test_layer():
    check_loss_layer(
        losses.Skdsam,
        "skdsam",
        role="student",
        feature_weight=10.0,
        temperature=2.0,
        attention_temperature=3.0,
        attention="cosine",
    )


def test_vector():
    y = np.array([0])
    result = losses.skdsam(y, LOGITS, FEATURES, [[0.6, 0.4]])
    assert float(result[0]) == pytest.approx(39.165371, abs=1e-4)


@pytest.mark.parametrize("labels", [LABELS, MIXED], ids=["integers", "mixed"])
def test_equals_the_definition(labels):
    check_definition(
        lambda z, f, a: losses.skdsam(labels, z, f, a, 0.5, 7.0, 2.0),
        lambda z, f, a: reference(labels, z, f, a, 0.5, 7.0, 2.0),
        EXIT_LOGITS,
        EXIT_FEATURES,
        softmax(random.normal(size=(5, 3))),
    )


def test_huge_gaps():
    huge = (1e3 * x.astype("float16") for x in (EXIT_LOGITS, EXIT_FEATURES))
    result = losses.skdsam(LABELS, *huge, attention().astype("float16"))
    assert result.dtype == "float32"
    assert np.isfinite(result).all()


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


def test_divergence_is_exact_where_probabilities_vanish():
    z = [np.array([[0.0, 60.0]]), np.array([[60.0, 0.0]])]
    f = np.zeros((2, 1, 3))
    result = losses.skdsam([0], z, f, [[1.0]], weight=1.0, temperature=1.0)
    assert float(result[0]) == pytest.approx(60.0)


def test_gradients_of_shallow_exits():
    z, f = EXIT_LOGITS.astype("float32"), EXIT_FEATURES.astype("float32")
    a = attention()
    check_gradient(
        lambda x: losses.skdsam(LABELS, [x[0], x[1], x[2], z[3]], f, a),
        z[:3],
        step=1e-2,
    )
    check_gradient(
        lambda x: losses.skdsam(LABELS, z, [x[0], x[1], x[2], f[3]], a),
        f[:3],
        step=1e-2,
    )


@pytest.mark.parametrize("similarity", ["paper", "cosine"])
def test_gradients_of_attention(similarity):
    cost = random.normal(size=(5, 3)).astype("float32")

    def weighted(x):
        keys = [x[0], x[1], x[2]]
        return cost * losses.exit_attention(x[3], keys, 1.0, similarity)

    assert abs(check_gradient(weighted, PROJECTIONS, step=1e-2)) > 1e-3


def test_the_deepest_exit_learns_from_labels_alone():
    a = attention()
    *shallow, of_logits, of_features = gradients(
        lambda z0, z1, z2, f0, f1, f2, z, f: losses.skdsam(
            LABELS, [z0, z1, z2, z], [f0, f1, f2, f], a
        ),
        *EXIT_LOGITS[:3],
        *EXIT_FEATURES[:3],
        EXIT_LOGITS[3],
        EXIT_FEATURES[3],
    )
    assert of_features is None
    expected = softmax(EXIT_LOGITS[-1]) - np.eye(4)[LABELS]
    np.testing.assert_allclose(of_logits, expected, rtol=1e-4, atol=1e-6)
    for gradient in shallow:
        assert np.abs(gradient).max() > 1e-3


def test_equal_features_have_a_finite_gradient():
    for f in (np.ones((2, 1, 3)), np.zeros((2, 1, 3))):
        (gradient,) = gradients(
            lambda x, f=f: losses.skdsam([0], LOGITS[1:], [x, f[1]], [[1.0]]),
            f[0],
        )
        assert np.isfinite(gradient).all()


@pytest.mark.parametrize(("logits", "features"), [(3, 4), (1, 1)])
def test_exits_must_be_complete(logits, features):
    with pytest.raises(ValueError, match=f"two at least.*{logits} and"):
        losses.skdsam(
            LABELS,
            EXIT_LOGITS[:logits],
            EXIT_FEATURES[:features],
            attention(),
        )


def test_bad_arguments():
    z, f = EXIT_LOGITS, EXIT_FEATURES
    with pytest.raises(ValueError, match=r"\(batch, 3\).*\(5, 4\)"):
        losses.skdsam(LABELS, z, f, np.ones((5, 4)))
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


@pytest.mark.parametrize("similarity", ["paper", "cosine", "sum", "mean"])
def test_distiller_minimises_it(similarity):
    loss = losses.Skdsam(attention=similarity)
    attentive = similarity in ("paper", "cosine")
    distiller = make_exits_distiller(
        loss, kind="skdsam" if attentive else "byot", weight=1.5
    )
    labels, endpoints, exits = read_batch(distiller)
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
    distiller = make_exits_distiller(
        losses.Skdsam(attention="cosine"), "skdsam"
    )
    images, labels = make_batch(8)
    *keys, query = read_batch(distiller)[2]["projection"]
    weights = np.array(losses.exit_attention(query, keys, similarity="cosine"))
    distiller.run_eagerly = True
    logs = distiller.train_on_batch(images, labels, return_dict=True)
    assert logs["skdsam_spread"] == pytest.approx(
        np.abs(weights - 0.5).max(-1).mean(), rel=1e-3
    )
    assert logs["skdsam_spread"] > 1e-6
    without = make_exits_distiller(losses.Skdsam(attention="sum"), "byot")
    assert "skdsam_spread" not in [metric.name for metric in without.metrics]


def test_weights_of_exits_are_logged(tmp_path):
    """Also after the distiller was saved and loaded."""
    distiller = make_exits_distiller(
        losses.Skdsam(attention="cosine", name="own"), "skdsam"
    )
    distiller.save(tmp_path / "d.keras")
    loaded = keras.models.load_model(tmp_path / "d.keras")
    images, labels = make_batch(8)
    *keys, query = read_batch(distiller)[2]["projection"]
    weights = losses.exit_attention(query, keys, similarity="cosine")
    for trained in (distiller, loaded):
        trained.run_eagerly = True
        logs = trained.train_on_batch(images, labels, return_dict=True)
        logged = {k: v for k, v in logs.items() if k.endswith("_weight")}
        assert [*logged] == ["own_exit1_weight", "own_exit2_weight"]
        np.testing.assert_allclose(
            [*logged.values()], np.mean(weights, axis=0), rtol=1e-5
        )
        assert np.ptp([*logged.values()]) > 1e-6
        assert logs["loss"] == pytest.approx(
            logs["supervised"] + logs["own"], rel=1e-5
        )
        evaluated = trained.evaluate(
            images, labels, verbose=0, return_dict=True
        )
        assert not evaluated.keys() & logged.keys()


def test_without_attention_no_weight_is_logged():
    without = make_exits_distiller(losses.Skdsam(attention="mean"), "byot")
    names = [metric.name for metric in without.metrics]
    assert "skdsam" in names and not [n for n in names if "_weight" in n]


def test_layer_trains_all_but_the_deepest_exit():
    distiller = make_exits_distiller(
        losses.Skdsam(), "skdsam", supervised_weight=0.0
    )
    reached = trained_variables(distiller)
    assert {"conv1/kernel", "conv2/kernel"} <= reached
    assert {"exit1_logits/kernel", "exit2_logits/kernel"} <= reached
    classifier = distiller.student.layers[-1]
    assert not reached & {v.path for v in classifier.trainable_variables}
    # Attention is no teacher's answer: the deepest projection is trained.
    assert any(path.startswith("exit3_projection") for path in reached)
    assert "conv3/kernel" in reached
