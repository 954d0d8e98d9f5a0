"""Instance relationship graphs (IRG)."""

import numpy as np
import pytest

from keras_artkd import losses
from tests.losses.contract import check_gradient, check_loss_layer
from tests.losses.relations import STUDENT, TEACHER, check_relation


def edges(rows):
    d = ((rows[:, None] - rows[None]) ** 2).sum(-1)
    return d / d.max()


def reference_edges(teacher, student):
    return ((edges(teacher) - edges(student)) ** 2).mean()


def layers(count=4):
    """So many of `(batch, dim)`, of different dimensions."""
    random = np.random.default_rng(0)
    return [random.normal(size=(6, 3 + i)) for i in range(count)]


def test_layers():
    pairs = (("group1", "group2"), ("group2", "group3"))
    check_loss_layer(
        losses.InstanceEdges, "instance_edges", per_example=False, pairs=pairs
    )
    check_loss_layer(
        losses.EdgeTransformation,
        "edge_transformation",
        per_example=False,
        pairs=pairs,
    )


def test_edges():
    check_relation(losses.instance_edges, reference_edges, translated=True)


def test_edges_by_hand():
    """Squared distances 5, 8, 1 and 2, 1, 1, each twice in nine pairs."""
    teacher = np.array([5, 8, 1]) / 8
    student = np.array([2, 1, 1]) / 2
    expected = 2 * ((teacher - student) ** 2).sum() / 9
    assert float(losses.instance_edges(TEACHER, STUDENT)) == pytest.approx(
        expected, rel=1e-5
    )


def test_transformation():
    *teacher, first, second = layers()
    moved = reference_edges(*teacher) - reference_edges(first, second)
    value = losses.edge_transformation(teacher, (first, second))
    assert float(value) == pytest.approx(moved**2, rel=1e-4)
    check_gradient(
        lambda s: 1e3 * losses.edge_transformation(teacher, (first, s)),
        second,
        step=1e-2,
    )


def test_layers_average_pairs_of_pooled_maps():
    random = np.random.default_rng(1)
    teacher, student = (
        {f"group{i}": random.normal(size=(5, 4, 4, width * i)) for i in (1, 2)}
        for width in (2, 3)
    )

    def pooled(side, i):
        return side[f"group{i}"].mean((1, 2))

    pairs = [("group2", "group1"), ("group2", "group2")]
    expected = [
        reference_edges(pooled(teacher, 2), pooled(student, i)) for i in (1, 2)
    ]
    result = losses.InstanceEdges(pairs)(None, teacher, student)
    assert float(result) == pytest.approx(np.mean(expected), rel=1e-4)
    moved = [
        reference_edges(pooled(side, 1), pooled(side, 2))
        for side in (teacher, student)
    ]
    pairs = [("group1", "group1"), ("group2", "group2")]
    result = losses.EdgeTransformation(pairs)(None, teacher, student)
    assert float(result) == pytest.approx((moved[0] - moved[1]) ** 2, rel=1e-3)


def test_a_transformation_needs_two_layers():
    with pytest.raises(ValueError, match="two pairs.*group1.*Fix"):
        losses.EdgeTransformation([("group1", "group1")])(
            None, {"group1": TEACHER}, {"group1": STUDENT}
        )
