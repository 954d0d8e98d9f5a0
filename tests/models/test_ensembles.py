"""Ensembles: the mean of several networks' predictions."""

import keras
import numpy as np
import pytest

from keras_artkd import models
from keras_artkd.distillers import build
from keras_artkd.measure.cost import count_multiply_adds
from keras_artkd.models.ensembles import AtSize, MeanPrediction
from keras_artkd.models.resizing import resize_to
from tests.contract import check_config
from tests.losses.contract import check_definition
from tests.losses.reference import reference_divergence, softmax

LOGITS = np.random.default_rng(0).normal(0, 3, (3, 6, 4))
SHARES = (2.0, 1.0, 1.0)


def reference(logits, shares):
    weights = np.array(shares) / np.sum(shares)
    return np.log(np.tensordot(weights, softmax(logits), axes=1))


def networks(sides=(16, 16), classes=4):
    """Two of one name and an odd one."""
    keras.utils.set_random_seed(0)
    return [
        *(models.build("wrn_10_1", classes, (s, s, 3)) for s in sides),
        models.build("resnet8", classes, (32, 32, 3)),
    ]


def images(side, count=5):
    random = np.random.default_rng(1)
    return random.integers(0, 256, (count, side, side, 3)).astype("float32")


def test_equals_the_definition():
    check_definition(
        lambda *z: models.mean_prediction(z, SHARES),
        lambda *z: reference(np.stack(z), SHARES),
        *LOGITS,
    )


def test_of_one_answer_it_is_this_answer():
    """Whatever the shares; and the softmax is the mean of the softmaxes."""
    same = models.mean_prediction([LOGITS[0] + i for i in range(3)], SHARES)
    np.testing.assert_allclose(
        softmax(np.array(same)), softmax(LOGITS[0]), rtol=1e-5
    )
    sums = np.exp(models.mean_prediction(LOGITS, SHARES)).sum(-1)
    np.testing.assert_allclose(sums, 1.0, rtol=1e-5)


def test_stays_exact_where_probabilities_vanish():
    certain = np.array([[1000.0, 0.0, 0.0]])
    value = models.mean_prediction([certain, certain[:, ::-1]], [1, 1])
    np.testing.assert_allclose(
        value, [[np.log(0.5), -1000.0, np.log(0.5)]], rtol=1e-5
    )


def test_a_student_has_the_gradient_of_the_mean_divergence():
    """At temperature 1, of float64 differences: it learns from each alike."""
    random = np.random.default_rng(2)
    student, step = random.normal(size=(6, 4)), random.normal(size=(6, 4))
    weights = np.array(SHARES) / np.sum(SHARES)
    mean = reference(LOGITS, SHARES)

    def slope(value):
        ahead, behind = (
            value(student + 1e-5 * step),
            value(student - 1e-5 * step),
        )
        return (ahead - behind) / 2e-5

    together = slope(lambda z: reference_divergence(mean, z, 1.0))
    apart = sum(
        w * slope(lambda z, t=t: reference_divergence(t, z, 1.0))
        for w, t in zip(weights, LOGITS, strict=True)
    )
    np.testing.assert_allclose(together, apart, atol=1e-8)


def test_an_ensemble_is_the_mean_of_its_networks(tmp_path):
    """Each at its own size; saved and loaded, too."""
    members = networks(sides=(16, 24))
    whole = models.ensemble(members, SHARES, image_size=40)
    assert whole.input_shape == (None, 40, 40, 3)
    x = images(40)
    answers = [
        np.array(m(resize_to(x, m.input_shape), training=False))
        for m in members
    ]
    expected = reference(np.stack(answers), SHARES)
    np.testing.assert_allclose(whole(x), expected, rtol=1e-4, atol=1e-5)
    whole.save(tmp_path / "e.keras")
    loaded = keras.models.load_model(tmp_path / "e.keras")
    np.testing.assert_allclose(loaded(x), whole(x), atol=1e-6)
    assert whole.count_params() == sum(m.count_params() for m in members)
    assert count_multiply_adds(loaded) == sum(map(count_multiply_adds, members))
    assert list(models.get_endpoints(loaded)) == ["logits"]
    # By default images are as large as the largest sees.
    assert models.ensemble(members).input_shape == (None, 32, 32, 3)


def test_an_ensemble_teaches_and_stays_as_it_is():
    student = models.build("wrn_10_1", 4, (16, 16, 3))
    expert = models.ensemble(networks(sides=(16, 24)))
    x, before = images(32, 8), expert.get_weights()
    answers = np.array(expert(x, training=False))
    distiller = build("kd", student, expert, temperature=1.0)
    distiller.compile("sgd", run_eagerly=True)
    logs = distiller.fit(x, np.arange(8) % 4, shuffle=False, verbose=0).history
    assert np.isfinite(logs["kd"]).all()
    assert not expert.trainable_weights
    for old, new in zip(before, expert.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
    np.testing.assert_array_equal(expert(x, training=False), answers)


@pytest.mark.parametrize("method", ["attention", "fitnet", "rkd"])
def test_methods_of_maps_cannot_learn_from_it(method):
    student = models.build("wrn_10_1", 4, (16, 16, 3))
    with pytest.raises(ValueError, match="Fix: .*with_endpoints"):
        build(method, student, models.ensemble(networks()))


def test_layers_have_configurations():
    check_config(MeanPrediction([2.0, 1.0]), shares=[2.0, 1.0])
    check_config(AtSize((8, 9)), size=(8, 9))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: models.ensemble(networks()[:1]), "two networks.*Received: 1"),
        (
            lambda: models.ensemble([*networks(), *networks(classes=3)[:1]]),
            "same classes.*4, 4, 4, 3",
        ),
        (lambda: models.ensemble(networks(), [1, 2]), "each network.*3 netw"),
        (lambda: models.ensemble(networks(), [1, 2, 0]), "positive share"),
    ],
)
def test_networks_that_are_no_ensemble(make, message):
    with pytest.raises(ValueError, match=message):
        make()
