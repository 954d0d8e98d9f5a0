"""Arguments that a distiller rejects."""

import keras
import pytest

from keras_artkd import Distiller, losses
from tests.distillers.networks import CLASSES, full_distiller, normalised


@pytest.mark.parametrize(
    ("transfer_losses", "message"),
    [
        (
            [losses.KD(teacher="guru")],
            "'kd'.*'guru'.*student, expert, initial",
        ),
        ([losses.KD(), losses.KD()], "distinct names.*kd, kd"),
        ([losses.KD(name="supervised")], "distinct names.*supervised"),
    ],
)
def test_bad_losses(transfer_losses, message):
    with pytest.raises(ValueError, match=message):
        full_distiller(transfer_losses=transfer_losses, transfer_weights=None)


def test_as_many_weights_as_losses():
    with pytest.raises(ValueError, match="1 weights, 3 losses"):
        full_distiller(transfer_weights=[1.0])


def test_two_networks_in_one_role():
    with pytest.raises(ValueError, match="twice: expert"):
        full_distiller(co_trained={"expert": normalised()})
    with pytest.raises(ValueError, match="twice: student"):
        full_distiller(teachers={"student": normalised()})


def test_missing_endpoints_list_both_networks():
    inputs = keras.Input((16, 16, 3))
    x = keras.layers.GlobalAveragePooling2D()(inputs)
    bare = keras.Model(inputs, keras.layers.Dense(CLASSES)(x), name="bare")
    with pytest.raises(
        ValueError,
        match="Missing of expert: group1, group2, group3.*'bare' has logits "
        r".*student.*group1 \(None, 16, 16, 4\)",
    ):
        full_distiller(teachers={"expert": bare})


def test_one_model_in_two_roles_is_rejected():
    student = normalised()
    with pytest.raises(ValueError, match="network of its own"):
        full_distiller(student, teachers={"expert": student})


def test_different_classes_are_rejected():
    inputs = keras.Input((16, 16, 3))
    x = keras.layers.GlobalAveragePooling2D()(inputs)
    other = keras.Model(inputs, keras.layers.Dense(CLASSES + 1)(x))
    with pytest.raises(ValueError, match="same classes.*5"):
        Distiller(normalised(), teachers={"expert": other})


@pytest.mark.parametrize(
    "loss",
    [
        "sparse_categorical_crossentropy",
        keras.losses.SparseCategoricalCrossentropy(),
    ],
)
def test_losses_of_probabilities_are_rejected(loss):
    distiller = full_distiller()
    with pytest.raises(ValueError, match="must take logits.*from_logits=True"):
        distiller.compile("sgd", loss=loss)


def test_wrong_shape_of_a_loss_is_rejected():
    class Wrong(losses.TransferLoss):
        def call(self, labels, teacher, student):
            return teacher["logits"] - student["logits"]

    with pytest.raises(ValueError, match=r"'wrong'.*\(None, 4\)"):
        full_distiller(transfer_losses=[Wrong()], transfer_weights=None)
