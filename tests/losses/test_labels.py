"""Cross-entropy and accuracy of labels in both forms."""

import keras
import numpy as np
import pytest

from keras_artkd import losses
from keras_artkd.losses.labels import (
    SmoothedCrossEntropy,
    class_indices,
    has_label,
    without_rotations,
)
from tests.losses.contract import check_gradient
from tests.losses.reference import reference_cross_entropy

random = np.random.default_rng(0)
LOGITS = random.normal(0, 2, (6, 4)).astype("float32")
LABELS = np.array([0, 3, 1, 1, 2, 0])
MIXED = (0.7 * np.eye(4)[LABELS] + 0.3 * np.eye(4)[LABELS[::-1]]).astype(
    "float32"
)
BOTH = (losses.cross_entropy, losses.label_accuracy)


@pytest.mark.parametrize("labels", [LABELS, MIXED], ids=["integers", "mixed"])
def test_cross_entropy(labels):
    result = losses.cross_entropy(labels, LOGITS)
    assert result.shape == (6,)
    expected = reference_cross_entropy(labels, LOGITS.astype("float64"))
    np.testing.assert_allclose(result, expected, rtol=1e-6)


def test_integers_are_as_in_keras():
    expected = keras.losses.sparse_categorical_crossentropy(
        LABELS, LOGITS, from_logits=True
    )
    hits = keras.metrics.sparse_categorical_accuracy(LABELS, LOGITS)
    columns = LABELS[:, None]
    for y in (LABELS, columns, LABELS.astype("float32"), columns.astype("u1")):
        np.testing.assert_allclose(
            losses.cross_entropy(y, LOGITS), expected, rtol=1e-6
        )
        np.testing.assert_array_equal(losses.label_accuracy(y, LOGITS), hits)


def test_probabilities_are_as_in_keras():
    np.testing.assert_allclose(
        losses.cross_entropy(MIXED, LOGITS),
        keras.losses.categorical_crossentropy(MIXED, LOGITS, from_logits=True),
        rtol=1e-6,
    )
    np.testing.assert_array_equal(
        losses.label_accuracy(MIXED, LOGITS),
        keras.metrics.categorical_accuracy(MIXED, LOGITS),
    )


def test_a_row_of_zeros_is_no_label():
    """Its values are 0, smoothed or not, and so is its gradient."""
    some = MIXED.copy()
    some[[1, 4]] = 0
    for loss in (losses.cross_entropy, SmoothedCrossEntropy(0.2).call):
        values, whole = np.asarray(loss(some, LOGITS)), loss(MIXED, LOGITS)
        np.testing.assert_array_equal(values[[1, 4]], 0)
        rest = [0, 2, 3, 5]
        np.testing.assert_array_equal(values[rest], np.asarray(whole)[rest])
    assert class_indices(some).numpy().tolist() == [0, -1, 1, 1, -1, 0]
    assert has_label(LABELS) is has_label(LABELS[:, None]) is None
    expected = [True, False, True, True, False, True]
    assert has_label(some).numpy().tolist() == expected


def test_smoothing_is_linear_in_the_row():
    smoothed = SmoothedCrossEntropy(0.2).call
    np.testing.assert_allclose(
        smoothed(3 * MIXED, LOGITS), 3 * smoothed(MIXED, LOGITS), rtol=1e-6
    )
    mixture = 0.25 * smoothed(MIXED, LOGITS) + 0.75 * smoothed(LABELS, LOGITS)
    np.testing.assert_allclose(
        smoothed(0.25 * MIXED + 0.75 * np.eye(4)[LABELS], LOGITS),
        mixture,
        rtol=1e-5,
    )


def test_accuracy_counts_the_likeliest():
    logits = [[1.0, 3.0, 0.0], [2.0, 1.0, 0.0], [5.0, 5.0, 0.0]]
    result = losses.label_accuracy([1, 1, 0], logits)
    np.testing.assert_array_equal(result, [1.0, 0.0, 1.0])
    labels = [[0.4, 0.6, 0.0], [0.5, 0.2, 0.3], [0.0, 0.1, 0.9]]
    result = losses.label_accuracy(labels, logits)
    np.testing.assert_array_equal(result, [1.0, 1.0, 0.0])


def test_both_are_float32_of_half_precision():
    for function in BOTH:
        for labels in (LABELS, MIXED.astype("float16")):
            result = function(labels, LOGITS.astype("float16"))
            assert result.dtype == "float32"
            np.testing.assert_allclose(
                result, function(labels, LOGITS), rtol=1e-2
            )


def test_cross_entropy_is_exact_where_probabilities_vanish():
    result = losses.cross_entropy([1], [[200.0, 0.0]])
    assert float(result[0]) == pytest.approx(200.0)


def test_gradient():
    for labels in (LABELS, MIXED):
        check_gradient(
            lambda x, y=labels: losses.cross_entropy(y, x), LOGITS, step=1e-2
        )


@pytest.mark.parametrize("function", BOTH)
@pytest.mark.parametrize("shape", [(6, 3), (6, 4, 1)])
def test_labels_of_another_shape_are_rejected(function, shape):
    with pytest.raises(ValueError, match=r"\(batch, 4\).*Received: shape"):
        function(np.zeros(shape), LOGITS)


def test_one_class_has_integers():
    logits = np.zeros((2, 1))
    np.testing.assert_array_equal(losses.cross_entropy([[0], [0]], logits), 0.0)
    np.testing.assert_array_equal(
        losses.label_accuracy([[0], [0]], logits), 1.0
    )


def test_a_compiled_model_is_saved_with_both(tmp_path):
    """Trained on labels of one form, and once loaded evaluated on the other."""
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(4)])
    model.compile(
        "sgd", loss=losses.cross_entropy, metrics=[losses.label_accuracy]
    )
    x = random.normal(size=(6, 3)).astype("float32")
    model.fit(x, MIXED, verbose=0)
    model.save(tmp_path / "model.keras")
    restored = keras.models.load_model(tmp_path / "model.keras")
    logits = model.predict(x, verbose=0)
    for network, labels in ((model, MIXED), (restored, LABELS)):
        logs = network.evaluate(x, labels, verbose=0, return_dict=True)
        assert logs["loss"] == pytest.approx(
            np.mean(losses.cross_entropy(labels, logits)), rel=1e-5
        )
        assert logs["label_accuracy"] == pytest.approx(
            np.mean(losses.label_accuracy(labels, logits))
        )


def test_labels_without_rotations():
    classes = np.array([0, 2, 1])
    joint = np.eye(12)[4 * classes + np.array([1, 0, 3])]
    found = without_rotations(0.5 * joint + 0.5 * joint[::-1], 3, 4)
    expected = 0.5 * np.eye(3)[classes] + 0.5 * np.eye(3)[classes[::-1]]
    np.testing.assert_allclose(found, expected)
    for labels in (classes, classes[:, None], np.eye(3)[classes]):
        np.testing.assert_array_equal(without_rotations(labels, 3, 4), labels)
    assert without_rotations(joint, 3, 1).shape == (3, 12)
    assert without_rotations(joint, 6, 4).shape == (3, 12)


@pytest.mark.parametrize("labels", [LABELS, MIXED], ids=["integers", "mixed"])
def test_smoothed_cross_entropy(labels):
    """A tenth of the label is spread over all four classes."""
    loss = SmoothedCrossEntropy(0.1)
    sharp = np.eye(4)[labels] if labels.ndim == 1 else labels
    expected = reference_cross_entropy(
        0.9 * sharp + 0.1 / 4, LOGITS.astype("float64")
    )
    np.testing.assert_allclose(loss.call(labels, LOGITS), expected, rtol=1e-5)
    # Keras's own, of probabilities.
    keras_loss = keras.losses.CategoricalCrossentropy(True, label_smoothing=0.1)
    assert float(loss(labels, LOGITS)) == pytest.approx(
        float(keras_loss(sharp, LOGITS)), rel=1e-5
    )
    restored = SmoothedCrossEntropy.from_config(loss.get_config())
    assert restored.label_smoothing == 0.1
