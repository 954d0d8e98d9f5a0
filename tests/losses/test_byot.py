"""Be your own teacher (BYOT, PD-BYOT)."""

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
    make_exits_distiller,
    read_batch,
    trained_variables,
)
from tests.losses.reference import (
    reference_cross_entropy,
    reference_divergence,
    softmax,
)


def reference(labels, z, f, alpha, weight, temperature, decay):
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


def test_layer():
    check_loss_layer(
        losses.Byot,
        "byot",
        role="student",
        alpha=0.5,
        feature_weight=0.1,
        temperature=2.0,
        decay=(0.6, 1.1, 0.9),
    )


def test_vectors():
    y = np.array([0])
    result = losses.byot(y, list(LOGITS), list(FEATURES), temperature=1.0)
    assert float(result[0]) == pytest.approx(0.755350, abs=1e-6)
    decay = (0.6, 1.1, 1.0)
    result = losses.byot(y, LOGITS, FEATURES, temperature=1.0, decay=decay)
    assert float(result[0]) == pytest.approx(0.483429, abs=1e-6)


@pytest.mark.parametrize("labels", [LABELS, MIXED], ids=["integers", "mixed"])
@pytest.mark.parametrize("decay", [(1.0, 1.0, 1.0), (0.6, 1.1, 0.5)])
def test_equals_the_definition(labels, decay):
    options = (0.4, 0.2, 2.0, decay)
    check_definition(
        lambda z, f: losses.byot(labels, z, f, *options),
        lambda z, f: reference(labels, z, f, *options),
        EXIT_LOGITS,
        EXIT_FEATURES,
    )


def test_defaults_and_huge_gaps():
    check_definition(
        lambda z, f: losses.byot(LABELS, z, f),
        lambda z, f: reference(LABELS, z, f, 0.3, 0.03, 3.0, (1.0,) * 3),
        EXIT_LOGITS,
        EXIT_FEATURES,
    )
    huge = (1e3 * x.astype("float16") for x in (EXIT_LOGITS, EXIT_FEATURES))
    assert np.isfinite(losses.byot(LABELS, *huge)).all()


def test_of_equal_exits_is_their_cross_entropy():
    z, f = [EXIT_LOGITS[0]] * 4, [EXIT_FEATURES[0]] * 4
    expected = 4 * 0.7 * reference_cross_entropy(LABELS, z[0])
    np.testing.assert_allclose(losses.byot(LABELS, z, f), expected, rtol=1e-5)


def test_divergence_is_exact_where_probabilities_vanish():
    z = [np.array([[0.0, 60.0]]), np.array([[60.0, 0.0]])]
    f = np.zeros((2, 1, 3))
    result = losses.byot([0], z, f, alpha=1.0, temperature=1.0)
    assert float(result[0]) == pytest.approx(60.0)


def test_gradients_of_shallow_exits():
    z, f = EXIT_LOGITS.astype("float32"), EXIT_FEATURES.astype("float32")
    check_gradient(
        lambda x: losses.byot(LABELS, [x[0], x[1], x[2], z[3]], f),
        z[:3],
        step=1e-2,
    )
    check_gradient(
        lambda x: losses.byot(LABELS, z, [x[0], x[1], x[2], f[3]]),
        f[:3],
        step=1e-2,
    )


def test_the_deepest_exit_learns_from_labels_alone():
    *shallow, of_logits, of_features = gradients(
        lambda a, b, c, f, g, h, z, e: losses.byot(
            LABELS, [a, b, c, z], [f, g, h, e]
        ),
        *EXIT_LOGITS[:3],
        *EXIT_FEATURES[:3],
        EXIT_LOGITS[3],
        EXIT_FEATURES[3],
    )
    assert of_features is None
    expected = 0.7 * (softmax(EXIT_LOGITS[-1]) - np.eye(4)[LABELS])
    np.testing.assert_allclose(of_logits, expected, rtol=1e-4, atol=1e-6)
    for gradient in shallow:
        assert np.abs(gradient).max() > 1e-3


@pytest.mark.parametrize(("logits", "features"), [(3, 4), (1, 1)])
def test_exits_must_be_complete(logits, features):
    with pytest.raises(ValueError, match=f"two at least.*{logits} and"):
        losses.byot(LABELS, EXIT_LOGITS[:logits], EXIT_FEATURES[:features])


def test_bad_arguments():
    z, f = EXIT_LOGITS, EXIT_FEATURES
    with pytest.raises(ValueError, match="three factors.*Received.*0.5"):
        losses.byot(LABELS, z, f, decay=(0.5, 1.0))
    with pytest.raises(ValueError, match="at least 0"):
        losses.Byot(decay=(1.0, 1.0, -0.5))
    with pytest.raises(ValueError, match="must be positive"):
        losses.byot(LABELS, z, f, temperature=0.0)
    with pytest.raises(ValueError, match="must be positive"):
        losses.Byot(temperature=0.0)


@pytest.mark.parametrize(
    ("kind", "decay"), [("byot", (1.0,) * 3), ("pd_byot", (0.6, 1.1, 1.0))]
)
def test_distiller_minimises_it(kind, decay):
    loss = losses.Byot(decay=decay)
    distiller = make_exits_distiller(
        loss, kind, supervised_weight=1 - loss.alpha
    )
    labels, endpoints, exits = read_batch(distiller)
    values = losses.byot(
        labels, exits["logits"], exits["features"], decay=decay
    )
    _, objective = distiller.compute_terms(labels, endpoints)
    assert float(objective) == pytest.approx(np.mean(values), rel=1e-5)


def test_layer_trains_all_but_the_deepest_exit():
    distiller = make_exits_distiller(
        losses.Byot(), "pd_byot", supervised_weight=0.0
    )
    reached = trained_variables(distiller)
    assert {"conv1/kernel", "conv2/kernel"} <= reached
    assert {"exit1_logits/kernel", "exit2_logits/kernel"} <= reached
    assert "conv3/kernel" not in reached
    classifier = distiller.student.layers[-1]
    assert not reached & {v.path for v in classifier.trainable_variables}
