"""FitNets: hints through a regressor."""

from keras_artkd import losses
from tests.losses.contract import (
    check_connectors,
    check_connectors_learn,
    check_definition,
    check_gradient,
    check_loss_layer,
    check_training,
)
from tests.losses.networks import make_maps


def test_layer():
    check_loss_layer(losses.Hint, "hint", pairs=(("a", "b"),), activation=None)


def test_equals_the_definition():
    for scale in (1, 100):
        check_definition(
            losses.hint,
            lambda t, s: ((t - s) ** 2).mean((1, 2, 3)),
            *make_maps(scale=scale),
        )


def test_gradient():
    teacher, student = make_maps(side=5)
    check_gradient(lambda s: losses.hint(teacher, s), student)


def test_regressor():
    check_connectors(losses.Hint)
    check_connectors_learn(losses.Hint)


def test_training(tmp_path):
    check_training(losses.Hint, tmp_path)
