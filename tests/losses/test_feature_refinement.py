"""Distillation from refined features."""

import numpy as np
import pytest

from keras_artkd import losses
from tests.losses.contract import (
    check_gradient,
    check_loss_layer,
    gradients,
)
from tests.losses.reference import (
    reference_cross_entropy,
    reference_divergence,
    softmax,
)

random = np.random.default_rng(0)
LABELS = np.array([0, 3, 1])
MIXED = 0.7 * np.eye(4)[LABELS] + 0.3 * np.eye(4)[LABELS[::-1]]
LOGITS, REFINED_LOGITS = random.normal(0, 2, (2, 3, 4))
SIDES = (4, 2)
GROUPS = [random.normal(size=(3, side, side, 5)) for side in SIDES]
REFINED = [random.normal(size=(3, side, side, 10)) for side in SIDES]
MAPS = (GROUPS, REFINED)


def reference_attention(features):
    energy = (features**2).sum(-1).reshape(len(features), -1)
    return energy / np.linalg.norm(energy, axis=1, keepdims=True)


def reference_frskd(labels, z, r, groups, refined, alpha, beta, temperature):
    attention = sum(
        ((reference_attention(a) - reference_attention(b)) ** 2).mean(1)
        for a, b in zip(groups, refined, strict=True)
    )
    return (
        reference_cross_entropy(labels, z)
        + reference_cross_entropy(labels, r)
        + alpha * temperature**2 * reference_divergence(r, z, temperature)
        + beta * attention
    )


def test_layer():
    check_loss_layer(
        losses.FeatureRefinement,
        "feature_refinement",
        role="student",
        alpha=1.0,
        beta=10.0,
        temperature=2.0,
    )


@pytest.mark.parametrize("labels", [LABELS, MIXED], ids=["integers", "mixed"])
@pytest.mark.parametrize("weights", [(2.0, 100.0, 4.0), (0.5, 7.0, 1.0)])
def test_frskd(labels, weights):
    result = losses.frskd(labels, LOGITS, REFINED_LOGITS, *MAPS, *weights)
    assert result.shape == (3,)
    np.testing.assert_allclose(
        result,
        reference_frskd(labels, LOGITS, REFINED_LOGITS, *MAPS, *weights),
        rtol=1e-5,
    )


def test_defaults_are_those_of_the_authors_code():
    np.testing.assert_allclose(
        losses.frskd(LABELS, LOGITS, REFINED_LOGITS, *MAPS),
        reference_frskd(LABELS, LOGITS, REFINED_LOGITS, *MAPS, 2.0, 100.0, 4.0),
        rtol=1e-5,
    )


def test_what_refining_does_not_change_is_not_distilled():
    """Maps may even differ by a factor, of each example."""
    scaled = [3.0 * group for group in GROUPS]
    np.testing.assert_allclose(
        losses.frskd(LABELS, LOGITS, LOGITS + 1.0, GROUPS, scaled),
        2 * reference_cross_entropy(LABELS, LOGITS),
        rtol=1e-4,
    )


@pytest.mark.parametrize("scale", [1.0, 1e3])
def test_half_precision_and_huge_gaps(scale):
    z, r = ((scale * x).astype("float16") for x in (LOGITS, REFINED_LOGITS))
    groups, refined = (
        [(scale * x).astype("float16") for x in maps] for maps in MAPS
    )
    result = losses.frskd(LABELS, z, r, groups, refined)
    assert result.dtype == "float32"
    assert np.isfinite(result).all()
    if scale == 1.0:
        expected = losses.frskd(LABELS, LOGITS, REFINED_LOGITS, *MAPS)
        np.testing.assert_allclose(result, expected, rtol=5e-3)


def test_gradients_of_the_network():
    check_gradient(
        lambda z: losses.frskd(LABELS, z, REFINED_LOGITS, *MAPS),
        LOGITS,
        step=1e-2,
    )
    for i, group in enumerate(GROUPS):

        def of_one_group(x, i=i):
            groups = [*GROUPS[:i], x, *GROUPS[i + 1 :]]
            return losses.frskd(LABELS, LOGITS, REFINED_LOGITS, groups, REFINED)

        assert abs(check_gradient(of_one_group, group, step=1e-2)) > 1e-2


def test_the_pyramid_learns_from_labels_alone():
    of_logits, of_refined_logits, *of_maps = gradients(
        lambda z, r, *maps: losses.frskd(LABELS, z, r, maps[:2], maps[2:]),
        LOGITS,
        REFINED_LOGITS,
        *GROUPS,
        *REFINED,
    )
    assert np.abs(of_logits).max() > 1e-3
    np.testing.assert_allclose(
        of_refined_logits,
        softmax(REFINED_LOGITS) - np.eye(4)[LABELS],
        atol=1e-5,
    )
    for gradient in of_maps[:2]:
        assert np.abs(gradient).max() > 1e-3
    assert of_maps[2:] == [None, None]


def test_bad_arguments():
    for groups, refined in ((GROUPS, REFINED[:1]), ([], [])):
        with pytest.raises(
            ValueError, match=f"a pair at least.*{len(groups)} and"
        ):
            losses.frskd(LABELS, LOGITS, REFINED_LOGITS, groups, refined)
    with pytest.raises(ValueError, match="must be positive"):
        losses.frskd(LABELS, LOGITS, REFINED_LOGITS, *MAPS, temperature=0.0)
    with pytest.raises(ValueError, match="must be positive"):
        losses.FeatureRefinement(temperature=-1.0)


STUDENT = {
    "activated1": GROUPS[0],
    "activated2": GROUPS[1],
    # Not refined.
    "activated3": GROUPS[1],
    "refined1": REFINED[0],
    "refined2": REFINED[1],
    "refined_logits": REFINED_LOGITS,
    "logits": LOGITS,
}


@pytest.mark.parametrize("labels", [LABELS, MIXED], ids=["integers", "mixed"])
def test_layer_and_supervised_loss_are_frskd(labels):
    weights = (0.5, 10.0, 2.0)
    value = losses.FeatureRefinement(*weights)(labels, {}, STUDENT)
    np.testing.assert_allclose(
        value + losses.cross_entropy(labels, LOGITS),
        losses.frskd(labels, LOGITS, REFINED_LOGITS, *MAPS, *weights),
        rtol=1e-6,
    )
