"""Every method with labels that are probabilities, and sample weights."""

import functools

import keras
import numpy as np
import pytest

from keras_artkd.distillers import METHODS, build
from tests.distillers.networks import CLASSES, KINDS, batch, plain, untrained

SIZE = 8
# A small memory; and a first stage, in which no label counts, that is over.
SETTINGS = {"crd": {"num_negatives": 12}, "ab": {"first_stage": 0.5}}


@functools.cache
def prepared(method):
    """A distiller, what its networks say of a batch, its losses' state."""
    distiller = untrained(method, **SETTINGS.get(method, {}))
    distiller.compile()
    images, _ = batch(SIZE, views=distiller.views)
    endpoints = distiller(images, training=True)
    state = [loss.get_weights() for loss in distiller.transfer_losses]
    return distiller, endpoints, state


def objective(method, labels, sample_weight=None):
    """Terms and total of one batch, from the same state whenever asked."""
    distiller, endpoints, state = prepared(method)
    for loss, weights in zip(distiller.transfer_losses, state, strict=True):
        loss.set_weights(weights)
    terms, total = distiller.compute_terms(labels, endpoints, sample_weight)
    return {name: float(value) for name, value in terms.items()}, float(total)


def one_hot(labels):
    return np.eye(CLASSES, dtype="float32")[labels]


@pytest.mark.parametrize("method", METHODS)
def test_one_hot_labels_are_integers(method):
    _, labels = batch(SIZE)
    sparse, _ = objective(method, labels)
    dense, _ = objective(method, one_hot(labels))
    assert set(sparse) == set(dense)
    for name, value in sparse.items():
        assert dense[name] == pytest.approx(value, rel=1e-4), name


@pytest.mark.parametrize("method", METHODS)
def test_smoothed_and_mixed_labels(method):
    """As label smoothing and Mixup make them: finite, not what they were."""
    _, labels = batch(SIZE)
    hard = one_hot(labels)
    before, _ = objective(method, hard)
    for soft in (
        0.9 * hard + 0.1 / CLASSES,
        0.7 * hard + 0.3 * one_hot((labels + 1) % CLASSES),
    ):
        terms, total = objective(method, soft.astype("float32"))
        assert np.isfinite(total)
        assert terms["supervised"] != pytest.approx(before["supervised"])


@pytest.mark.parametrize("method", METHODS)
def test_sample_weights_reach_every_term(method):
    """Each by its example's; a term of the whole batch by their mean."""
    _, labels = batch(SIZE)
    weights = np.arange(SIZE) / 2
    weighted, _ = objective(method, labels, weights)
    distiller, endpoints, state = prepared(method)
    rows = labels.repeat(distiller.views)
    if not METHODS[method].staged:
        endpoints = distiller.complete_endpoints(rows, endpoints)
    for loss, values in zip(distiller.transfer_losses, state, strict=True):
        loss.set_weights(values)
        each = loss(
            rows,
            endpoints[loss.teacher],
            endpoints["student"],
        )
        expected = float(keras.ops.mean(each * weights))
        assert weighted[loss.name] == pytest.approx(expected, rel=1e-4)
    ones, whole = objective(method, labels, np.ones(SIZE))
    _, unweighted = objective(method, labels)
    assert whole == pytest.approx(unweighted, rel=1e-5)
    _, twice = objective(method, labels, np.full(SIZE, 2.0))
    assert twice == pytest.approx(2 * whole, rel=1e-5)
    nothing, total = objective(method, labels, np.zeros(SIZE))
    assert set(nothing) == set(ones)
    assert not any(nothing.values()) and total == 0.0


POLICIES = ["mixed_float16", "mixed_bfloat16"]


@pytest.mark.parametrize("policy", POLICIES)
def test_mixed_precision(policy):
    check_mixed_precision(
        KINDS, policy, **{"crd.num_negatives": 12, "crd.embedding_dim": 8}
    )


@pytest.mark.exhaustive
@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("method", METHODS)
def test_mixed_precision_of_each_method(method, policy):
    check_mixed_precision(method, policy, **SETTINGS.get(method, {}))


def check_mixed_precision(method, policy, **options):
    """A student of low precision, and a teacher of float32."""
    distiller = build(
        method,
        plain(dtype=policy),
        plain(6),
        plain(5, dtype=policy),
        **options,
    )
    distiller.compile()
    images, labels = batch(SIZE, views=distiller.views)
    endpoints = distiller(images, training=True)
    low = distiller.student.endpoints["group3"].dtype
    assert low == policy.removeprefix("mixed_")
    terms, total = distiller.compute_terms(labels, endpoints)
    assert all(np.isfinite(float(value)) for value in (*terms.values(), total))
    assert total.dtype == "float32"
