"""CTKD and collaborative teaching: equations, settings."""

import numpy as np
import pytest
import tensorflow as tf

from keras_artkd import losses
from keras_artkd.distillers import CollaborativeTeaching
from keras_artkd.distillers.methods.ctkd import CTKD
from tests.contract import check_config
from tests.distillers.networks import untrained, wide


def test_norms_of_the_two_attention_losses():
    """Equation 3.14 has the root; the attention baseline the mean square."""
    (baseline,) = untrained("attention").transfer_losses
    assert (baseline.norm, baseline.mapping) == ("mse", "sum2")
    ours = untrained("collaborative").transfer_losses[2]
    assert (ours.norm, ours.mapping) == ("l2", "sum2")
    (hint,) = untrained("rocket").transfer_losses
    assert (hint.name, hint.reduction) == ("hint", "sum")


def test_student_gradients_of_ctkd_and_ours_differ_by_t_squared():
    """With the initial teacher detached, eq 3.11 changes that factor only."""
    random = np.random.default_rng(0)
    teacher = random.normal(size=(5, 4)).astype("float32")
    student = tf.Variable(random.normal(size=(5, 4)).astype("float32"))
    slopes = []
    for function in (losses.kd, losses.soft_cross_entropy):
        with tf.GradientTape() as tape:
            value = tf.reduce_sum(function(teacher, student, 4.0))
        slopes.append(tape.gradient(value, student))
    np.testing.assert_allclose(slopes[0], 16 * slopes[1], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("cls", [CollaborativeTeaching, CTKD])
def test_config(cls):
    changed = {
        "temperature": 2.0,
        "alpha": 1.0,
        "beta": 0.1,
        "l2_teacher": "initial",
        "l2_reduction": "sum",
        "attention_mapping": "sum4",
        "attention_norm": "mse",
        "detach_initial": False,
    }
    distiller = cls(wide(), wide(), wide(2), **changed)
    assert distiller.initial_teacher is distiller.co_trained["initial"]
    assert distiller.expert_teacher is distiller.teachers["expert"]
    check_config(distiller, **changed)


def test_bad_l2_teacher():
    with pytest.raises(ValueError, match="expert, initial.*'student'"):
        untrained("collaborative", l2_teacher="student")
