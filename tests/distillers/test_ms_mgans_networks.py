"""Multi-stage distillation of any networks; what it rejects."""

import keras
import numpy as np
import pytest

from keras_artkd import models
from keras_artkd.distillers import build
from keras_artkd.distillers.phases import BLOCK
from tests.distillers.networks import CLASSES, batch, plain
from tests.distillers.staged import enter, fit, make

NETWORKS = [
    # One more group than the teacher, then one fewer, other sizes of maps.
    ("resnet8", "wrn_10_1", 16),
    ("wrn_10_2", "mobilenet_v2", 32),
    *(
        pytest.param(teacher, student, 32, marks=pytest.mark.exhaustive)
        for teacher, student in (
            ("vgg8", "wrn_10_1"),
            ("resnet8", "shufflenet_v2"),
        )
    ),
]


@pytest.mark.parametrize(("teacher", "student", "side"), NETWORKS)
def test_any_networks_with_groups(teacher, student, side):
    shape = (side, side, 3)
    distiller = build(
        "ms_mgans",
        models.build(student, CLASSES, shape),
        expert=models.build(teacher, CLASSES, shape),
    )
    distiller.compile()
    images, labels = batch(4, side)
    for phase in distiller.plan(10):
        distiller.phase = phase
        endpoints = distiller(images, training=True)
        terms, total = distiller.compute_terms(labels, endpoints)
        assert np.isfinite(float(total))
        assert set(terms) == distiller._terms - {"stage", "block"}


def test_maps_of_different_size_meet_at_the_teachers():
    """A student of half the resolution, and one of twice."""
    for side in (8, 32):
        distiller = make(student=lambda side=side: plain(side=side))
        images, labels = batch(4)
        enter(distiller, BLOCK, 2)
        endpoints = distiller(images, training=True)
        adapted = endpoints["student"]["adapted"]
        assert adapted.shape == endpoints["taught"]["group2"].shape
        distiller.compute_terms(labels, endpoints)


def test_equal_maps_need_no_adapter():
    distiller = build("ms_mgans", plain(), expert=plain())
    assert not any(a.variables for a in distiller.adapters)
    assert all(a.variables for a in make().adapters)


@pytest.mark.exhaustive
def test_every_phase_compiles():
    images, labels = batch()
    keras.utils.set_random_seed(1)
    distiller = build("ms_mgans", plain(), expert=plain(8))
    distiller.compile(keras.optimizers.SGD(0.05), jit_compile=True)
    logs = distiller.fit(images, labels, epochs=5, verbose=0).history
    assert np.isfinite(logs["loss"]).all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"mutual": "both"}, "full, head, none.*'both'"),
        ({"temperature": 0.0}, "`temperature` must be positive"),
        ({"adversarial_weight": -1.0}, "`adversarial_weight` must not.*-1"),
        ({"feature_weight": -1.0}, "`feature_weight` must not be negative"),
        ({"partner_weight": -1.0}, "`partner_weight` must not be negative"),
        ({"adversary_learning_rate": 0.0}, "must be positive.*=0.0"),
        ({"expert": []}, "one network.*none"),
    ],
)
def test_bad_options(options, message):
    arguments = {"expert": plain(6), **options}
    with pytest.raises(ValueError, match=message):
        build("ms_mgans", plain(), **arguments)


def test_bad_networks():
    with pytest.raises(ValueError, match="one network with different weights"):
        build("ms_mgans", plain(), expert=[plain(), plain(6)])
    with pytest.raises(ValueError, match="feature maps.*with_endpoints"):
        build("ms_mgans", models.with_endpoints(plain(), {}), expert=plain(6))


def test_too_few_epochs():
    with pytest.raises(ValueError, match="at least 10.*epochs=9"):
        fit(make(2), 9)


def test_joins_no_other_method():
    with pytest.raises(ValueError, match="phases of its own.*ms_mgans"):
        build("ms_mgans+kd", plain(), expert=plain(6))
