"""Losses on the relations of a batch: RKD, SP, PKT."""

import numpy as np
import pytest
import tensorflow as tf

from keras_artkd import losses
from tests.contract import finite_difference_check

TEACHER = np.array([[2.0, 0], [0, 1], [0, 2]])
STUDENT = np.array([[1.0, 0], [0, 1], [1, 1]])
FUNCTIONS = [
    losses.relational_distance,
    losses.relational_angle,
    losses.similarity_preserving,
    losses.probabilistic_transfer,
]


def huber(error):
    return np.where(abs(error) < 1, error**2 / 2, abs(error) - 0.5).mean()


def reference_distance(teacher, student):
    def distances(rows):
        d = np.linalg.norm(rows[:, None] - rows[None], axis=-1)
        return d / d[d > 0].mean()

    return huber(distances(teacher) - distances(student))


def reference_angle(teacher, student):
    def cosines(rows):
        n = len(rows)
        result = np.zeros((n, n, n))
        for vertex in range(n):
            for i in range(n):
                for j in range(n):
                    a, b = rows[i] - rows[vertex], rows[j] - rows[vertex]
                    norms = np.linalg.norm(a) * np.linalg.norm(b)
                    result[vertex, i, j] = a @ b / norms if norms else 0.0
        return result

    return huber(cosines(teacher) - cosines(student))


def reference_similarity(teacher, student):
    def similarities(rows):
        gram = rows @ rows.T
        return gram / np.linalg.norm(gram, axis=1, keepdims=True)

    difference = similarities(teacher) - similarities(student)
    return (difference**2).sum() / len(teacher) ** 2


def reference_probabilistic(teacher, student):
    def probabilities(rows):
        rows = rows / np.linalg.norm(rows, axis=1, keepdims=True)
        similarity = (rows @ rows.T + 1) / 2
        return similarity / similarity.sum(1, keepdims=True)

    p, q = probabilities(teacher), probabilities(student)
    return (p * np.log((p + 1e-7) / (q + 1e-7))).mean()


REFERENCES = [
    reference_distance,
    reference_angle,
    reference_similarity,
    reference_probabilistic,
]


@pytest.mark.parametrize(
    ("function", "reference"), list(zip(FUNCTIONS, REFERENCES, strict=True))
)
def test_equals_the_definition(function, reference):
    random = np.random.default_rng(0)
    teacher, student = random.normal(size=(7, 5)), random.normal(size=(7, 3))
    for offset in (0.0, 2.0):
        result = function(teacher + offset, student - offset)
        assert result.shape == ()
        assert float(result) == pytest.approx(
            reference(teacher + offset, student - offset), rel=1e-4
        )


def test_vectors():
    distance, angle, similarity, probabilistic = (
        float(function(TEACHER, STUDENT)) for function in FUNCTIONS
    )
    assert distance == pytest.approx(0.048555, abs=1e-6)
    assert angle == pytest.approx(0.069148, abs=1e-6)
    assert 25 * distance + 50 * angle == pytest.approx(4.671294, abs=1e-5)
    assert similarity == pytest.approx(0.095853, abs=1e-6)
    assert probabilistic == pytest.approx(0.007558, abs=1e-6)
    maps = {"features": TEACHER}, {"features": STUDENT}
    assert float(losses.RelationalKD()(None, *maps)) == pytest.approx(
        4.671294, abs=1e-5
    )


@pytest.mark.parametrize("function", FUNCTIONS)
def test_invariances(function):
    """Orthogonal maps and scale; RKD's also translation."""
    random = np.random.default_rng(1)
    teacher, student = random.normal(size=(6, 4)), random.normal(size=(6, 4))
    rotation, _ = np.linalg.qr(random.normal(size=(4, 4)))
    expected = float(function(teacher, student))
    assert expected > 1e-4
    changed = [
        (teacher @ rotation, student),
        (teacher, 7 * student @ rotation),
        (1e-3 * teacher, student),
    ]
    if function in FUNCTIONS[:2]:
        changed.append((teacher + 3.0, student - 1.0))
    for sides in changed:
        assert float(function(*sides)) == pytest.approx(expected, rel=1e-3)
    assert float(function(teacher, 5 * teacher @ rotation)) == pytest.approx(
        0.0, abs=1e-6
    )


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_finite_where_examples_coincide_or_vanish(function, dtype):
    random = np.random.default_rng(2)
    plain = random.normal(size=(4, 3))
    coinciding = np.repeat(plain[:2], 2, axis=0)
    opposite = np.concatenate([plain[:2], -plain[:2]])
    degenerate = [np.zeros((4, 3)), coinciding, opposite, 6e4 * np.ones((4, 3))]
    if dtype == "float32":
        degenerate += [1e25 * plain, 1e-25 * plain]
    for rows in degenerate:
        rows = tf.Variable(rows.astype(dtype))
        for sides in ((plain, rows), (rows, rows)):
            with tf.GradientTape() as tape:
                value = function(*sides)
            assert value.dtype == "float32"
            assert np.isfinite(value)
            assert np.isfinite(tape.gradient(value, rows)).all()


@pytest.mark.parametrize("function", FUNCTIONS)
def test_gradients(function):
    random = np.random.default_rng(3)
    teacher = random.normal(size=(5, 4))
    finite_difference_check(
        lambda s: 100 * function(teacher, s), random.normal(size=(5, 3))
    )


def test_layers_pool_or_flatten_maps():
    random = np.random.default_rng(4)
    teacher, student = random.normal(size=(2, 5, 4, 4, 3))
    endpoints = {"features": teacher}, {"features": student}
    pooled = teacher.mean((1, 2)), student.mean((1, 2))
    flat = teacher.reshape(5, -1), student.reshape(5, -1)
    for layer, expected in (
        (
            losses.RelationalKD(distance_weight=1.0, angle_weight=0.0),
            losses.relational_distance(*pooled),
        ),
        (
            losses.RelationalKD(distance_weight=0.0, angle_weight=2.0),
            2 * losses.relational_angle(*pooled),
        ),
        (
            losses.ProbabilisticTransfer(),
            losses.probabilistic_transfer(*pooled),
        ),
        (losses.SimilarityPreserving(), losses.similarity_preserving(*flat)),
    ):
        np.testing.assert_allclose(layer(None, *endpoints), expected, rtol=1e-5)


def test_layers_read_the_endpoints_of_their_pair():
    layer = losses.ProbabilisticTransfer(pair=("deep", "last"))
    assert layer.teacher_endpoints == ("deep",)
    assert layer.student_endpoints == ("last",)
    value = layer(None, {"deep": TEACHER}, {"last": STUDENT})
    assert float(value) == pytest.approx(0.007558, abs=1e-6)
